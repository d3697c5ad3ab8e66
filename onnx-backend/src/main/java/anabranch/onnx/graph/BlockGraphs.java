package anabranch.onnx.graph;

import anabranch.model.layer.Activation;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Chain;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Latent;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Operation;
import anabranch.model.layer.Recurrence;
import anabranch.model.layer.RoutedHeads;
import anabranch.model.layer.Skip;
import anabranch.model.layer.Sublayer;
import anabranch.model.position.Rotary;
import anabranch.model.route.Router;
import anabranch.model.route.Source;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Turns sublayers into steps. Confined to one call. */
public final class BlockGraphs {
  private final int width;
  private final boolean counts;
  private final boolean whole;
  private final List<Step> steps = new ArrayList<>();
  private @Nullable TokenRun open;

  private BlockGraphs(int width, boolean counts, boolean whole) {
    this.width = width;
    this.counts = counts;
    this.whole = whole;
  }

  /**
   * Returns the steps of some sublayers, in order; rows may show keys and ask nothing.
   *
   * @param width the length of a hidden vector
   * @param path of their parameters, such as {@code "blocks.0"}
   */
  public static List<Step> of(int width, String path, List<Sublayer> sublayers) {
    return of(width, path, sublayers, false, false);
  }

  /**
   * Returns the steps of some sublayers that every row runs: what shows keys asks as well, so that
   * one graph makes queries, keys and values, unless one would be too large.
   *
   * @param most bytes, in fp32, of the weights that the message of one graph may hold
   */
  public static List<Step> ofEveryRow(int width, String path, List<Sublayer> sublayers, long most) {
    List<Step> whole = of(width, path, sublayers, false, true);
    boolean fit =
        whole.stream().flatMap(Step::graphs).allMatch(graph -> graph.messageBytes() <= most);
    return fit ? whole : of(width, path, sublayers);
  }

  /**
   * Returns the steps of sublayers.
   *
   * @param counts whether rows may stand for several
   * @param whole whether every row runs them
   */
  private static List<Step> of(
      int width, String path, List<Sublayer> sublayers, boolean counts, boolean whole) {
    BlockGraphs graphs = new BlockGraphs(width, counts, whole);
    for (Sublayer sublayer : sublayers) {
      graphs.add(sublayer, path + "." + sublayer.name());
    }
    graphs.close();
    return List.copyOf(graphs.steps);
  }

  /** Returns the steps of an operation without norms and sum: x becomes its result. */
  private static List<Step> alone(int width, String path, Operation operation) {
    BlockGraphs graphs = new BlockGraphs(width, false, false);
    graphs.add(new Place(path, null, null, null, null, false), operation);
    graphs.close();
    return List.copyOf(graphs.steps);
  }

  private void add(Sublayer sublayer, String path) {
    Place place =
        new Place(
            path,
            sublayer.before(),
            sublayer.after(),
            sublayer.multiplier(),
            sublayer.afterSum(),
            true);
    add(place, sublayer.operation());
  }

  private void add(Place place, Operation operation) {
    if (operation instanceof Attention attention) {
      attend(place, attention);
    } else if (operation instanceof FeedForward network) {
      open(place).network(place, network);
    } else if (operation instanceof Mixture mixture) {
      mix(place, mixture);
    } else if (operation instanceof Mixture.Sliced sliced) {
      slice(place, sliced);
    } else if (operation instanceof Recurrence recurrence) {
      recur(place, recurrence);
    } else if (operation instanceof Recurrence.LinearMemory memory) {
      remember(place, memory);
    } else if (operation instanceof Mixture.Modulated modulated) {
      modulate(place, modulated);
    } else if (operation instanceof Skip skip) {
      inside(place, skip, skip.operation(), skip.operationPath(place.path()));
    } else if (operation instanceof Chain.Merged merged) {
      merge(place, merged);
    } else if (operation instanceof Chain chain) {
      inside(place, null, chain, place.path());
    } else {
      throw new AssertionError(operation);
    }
  }

  private void attend(Place place, Attention attention) {
    close();
    String path = place.path();
    boolean memory = attention.mask() == Attention.Mask.MEMORY;
    Graph all = new Graph(path + ".keysAndValues");
    Layers layers = new Layers(all, width);
    String x = all.input("x", -1, width);
    String n = memory ? x : layers.norm(place.before(), path + ".before", x);
    Latent latent = attention.latent();
    boolean asks =
        whole
            && !memory
            && latent == null
            && attention.routed() == null
            && attention.projections() == null;
    boolean normed = !asks && !n.equals(x);
    if (normed) {
      all.output("n", n, -1, width);
    }
    if (latent == null) {
      keysAndValues(all, attention, path, n);
    } else {
      LatentGraphs.keys(all, attention, latent, path, width, n);
    }
    if (attention.routed() != null) {
      steps.add(routed(place, attention, attention.routed(), normed, all));
      finish(place);
      return;
    }
    Graph live = null;
    if (asks) {
      project(all, attention, path + ".q", attention.heads(), n, "q");
    } else {
      live = query(place, attention, latent);
    }
    Step.Attend attend = new Step.Attend(path, attention, normed, counts, all, live);
    if (attention.projections() != null) {
      steps.add(projected(place, attention, attention.projections(), attend));
      finish(place);
      return;
    }
    steps.add(attend);
    open = new TokenRun(path + ".o", width);
    open.finish(place, attention);
  }

  private Graph query(Place place, Attention attention, @Nullable Latent latent) {
    String path = place.path();
    Graph live = new Graph(path + ".query");
    String read = live.input("n", -1, width);
    if (attention.mask() == Attention.Mask.MEMORY) {
      read = new Layers(live, width).norm(place.before(), path + ".before", read);
    }
    if (latent == null) {
      project(live, attention, path + ".q", attention.heads(), read, "q");
    } else {
      LatentGraphs.query(live, attention, latent, path, width, read);
    }
    return live;
  }

  private Step projected(
      Place place, Attention attention, Attention.RoutedProjections routed, Step.Attend attend) {
    String values = place.path() + ".v";
    String results = place.path() + ".o";
    int heads = attention.heads();
    int each = attention.headWidth();
    return new Step.AttendProjected(
        attend,
        MemberGraphs.projectionLogits(width, results, heads, routed),
        MemberGraphs.projections(values, attention.keyValueHeads(), width, each, routed),
        MemberGraphs.projections(results, heads, each, width, routed),
        place.finish());
  }

  private Step routed(
      Place place, Attention attention, RoutedHeads routed, boolean normed, Graph all) {
    String path = place.path();
    Router router = routed.router();
    boolean apart = apart(router);
    Graph logits =
        router.hasWeight()
            ? router(path, apart ? "x" : "n", router, router.logitsFor(routed.experts()))
            : null;
    Graph rotation = null;
    if (attention.rotary() != null) {
      CoreShape shape = CoreShape.of(attention);
      int length = shape.queryWidth();
      rotation = new Graph(path + ".rotation");
      String q = rotation.input("q", -1, length);
      String turned = Layers.rotated(rotation, q, shape.heads(), shape.width(), attention.rotary());
      rotation.output("r", turned, 1, -1, length);
    }
    return new Step.AttendRouted(
        new Step.Attend(path, attention, normed, counts, all, apart ? null : logits),
        apart ? logits : null,
        rotation,
        MemberGraphs.queries(width, path, attention, routed),
        MemberGraphs.results(width, path, attention, routed),
        place.finish());
  }

  private void keysAndValues(Graph graph, Attention attention, String path, String n) {
    project(graph, attention, path + ".k", attention.keyValueHeads(), n, "k");
    Attention.RoutedProjections routed = attention.projections();
    if (routed != null) {
      MemberGraphs.projectionLogits(
          graph, width, path + ".v", attention.keyValueHeads(), routed, n);
      return;
    }
    Layers layers = new Layers(graph, width);
    int length = attention.keyValueWidth();
    boolean bias = attention.bias().ofInputs();
    String v = layers.clip(attention.clip(), layers.linear(path + ".v", length, width, bias, n));
    graph.output("v", v, -1, length);
  }

  private void project(
      Graph graph, Attention attention, String path, int heads, String from, String to) {
    int out = heads * attention.headWidth();
    Layers layers = new Layers(graph, width);
    String value = layers.linear(path, out, width, attention.bias().ofInputs(), from);
    Attention.QueryKeyNorm norm = attention.norm();
    if (norm != null) {
      int together = norm.over() == Attention.QueryKeyNorm.Over.HEAD ? attention.headWidth() : out;
      value = layers.parts(norm.norm(), path + ".norm", together, out, value);
    }
    value = layers.clip(attention.clip(), value);
    Rotary rotary = attention.rotary();
    if (rotary == null) {
      graph.output(to, value, -1, out);
    } else {
      graph.output(
          to, Layers.rotated(graph, value, heads, attention.headWidth(), rotary), 1, -1, out);
    }
  }

  private void mix(Place place, Mixture mixture) {
    String path = place.path();
    Graph router = asked(place, mixture.router(), mixture.members());
    steps.add(
        new Step.Mix(
            path,
            mixture,
            place.before() != null,
            router,
            place.finish(),
            MemberGraphs.routed(width, path, mixture),
            MemberGraphs.shared(width, path, mixture)));
    finish(place);
  }

  private void slice(Place place, Mixture.Sliced sliced) {
    String path = place.path();
    Graph router = asked(place, sliced.router(), sliced.slices());
    List<Graph> slices = MemberGraphs.slices(width, path, sliced);
    steps.add(new Step.Sliced(path, sliced, place.before() != null, router, slices));
    open = new TokenRun(path + ".down", width);
    open.finish(place, sliced);
  }

  /** Ends what leads to a bank, with its logits; returns the router where that reads others. */
  private @Nullable Graph asked(Place place, Router router, int members) {
    boolean apart = apart(router);
    int count = router.logitsFor(members);
    boolean logits = router.hasWeight() && !apart;
    if (place.before() != null || logits) {
      open(place).lead(place, router, logits ? count : 0);
    }
    close();
    return apart ? router(place.path(), "x", router, count) : null;
  }

  private void recur(Place place, Recurrence recurrence) {
    close();
    String path = place.path();
    int inner = recurrence.inner();
    Graph in = new Graph(path + ".in");
    Layers layers = new Layers(in, width);
    String n = layers.norm(place.before(), path + ".before", in.input("x", -1, width));
    in.output("uz", layers.linear(path + ".in", 2 * inner, width, false, n), -1, 2 * inner);
    Graph project = new Graph(path + ".project");
    layers = new Layers(project, width);
    int rank = recurrence.rank();
    int states = 2 * recurrence.states();
    String tbc =
        layers.exact(path + ".project", rank + states, inner, false, project.input("u", -1, inner));
    List<String> parts =
        project.nodes("Split", 2, Map.of("axis", -1), tbc, project.integers(rank, states));
    project.output("dt", layers.exact(path + ".step", inner, rank, true, parts.get(0)), -1, inner);
    project.output("bc", parts.get(1), -1, states);
    steps.add(new Step.Recur(path, recurrence, in, project));
    open = new TokenRun(path + ".out", width);
    open.finish(place, inner, path + ".out", false);
  }

  private void remember(Place place, Recurrence.LinearMemory memory) {
    close();
    String path = place.path();
    int inputs = memory.inputs();
    int states = memory.states();
    Graph in = new Graph(path + ".in");
    Layers layers = new Layers(in, width);
    String n = layers.norm(place.before(), path + ".before", in.input("x", -1, width));
    String u = layers.linear(path + ".in", inputs, width, memory.bias(), n);
    u = layers.activation(Activation.RELU, u);
    String b = in.weight(path + ".b", states, inputs);
    String bu = in.node("Gemm", Map.of("transB", 1), u, b);
    int both = states + width;
    in.output("bn", in.node("Concat", Map.of("axis", -1), bu, n), -1, both);
    steps.add(new Step.Remember(path, memory, in));
    open = new TokenRun(path + ".out", width);
    open.finish(place, both, memory);
  }

  private void inside(Place place, @Nullable Skip skip, Operation operation, String inner) {
    close();
    String path = place.path();
    Router router = skip == null ? null : skip.router();
    boolean weighs = router != null && router.hasWeight();
    boolean apart = router != null && apart(router);
    boolean logits = weighs && !apart;
    Graph lead = null;
    if (place.before() != null || logits) {
      TokenRun run = new TokenRun(path + ".lead", width);
      run.lead(place, router, logits ? 1 : 0);
      lead = run.graph();
    }
    boolean chain = operation instanceof Chain;
    List<Step> own =
        operation instanceof Chain run
            ? of(width, inner, run.sublayers(), false, false)
            : alone(width, inner, operation);
    steps.add(
        new Step.Inside(
            path,
            skip,
            operation,
            lead,
            place.before() != null,
            logits ? 1 : 0,
            apart ? router(path, "x", router, 1) : null,
            place.finish(),
            own,
            chain));
    finish(place);
  }

  private void merge(Place place, Chain.Merged merged) {
    close();
    String path = place.path();
    Graph lead = null;
    if (place.before() != null) {
      TokenRun run = new TokenRun(path + ".lead", width);
      run.lead(place, null, 0);
      lead = run.graph();
    }
    List<Step> own = of(width, path, merged.chain().sublayers(), true, false);
    steps.add(new Step.Merge(path, merged, lead, place.finish(), own));
    finish(place);
  }

  private void modulate(Place place, Mixture.Modulated modulated) {
    close();
    Graph lead = null;
    if (place.before() != null) {
      TokenRun run = new TokenRun(place.path() + ".lead", width);
      run.lead(place, null, 0);
      lead = run.graph();
    }
    BlockGraphs own = new BlockGraphs(width, false, false);
    own.factor(place.path(), modulated);
    String inner = modulated.operationPath(place.path());
    own.add(new Place(inner, null, null, null, null, false), modulated.operation());
    own.close();
    steps.add(
        new Step.Inside(
            place.path(),
            null,
            modulated.operation(),
            lead,
            place.before() != null,
            0,
            null,
            place.finish(),
            own.steps,
            false));
    finish(place);
  }

  /** Adds what multiplies x for a modulation. */
  private void factor(String path, Mixture.Modulated modulated) {
    Router router = modulated.router();
    int logits = router.logitsFor(modulated.experts());
    boolean apart = apart(router);
    if (router.hasWeight() && !apart) {
      Place bare = new Place(path, null, null, null, null, false);
      open(bare).lead(bare, router, logits);
      close();
    }
    steps.add(
        new Step.Mix(
            path,
            modulated,
            false,
            apart ? router(path, "x", router, logits) : null,
            Step.Finish.FACTOR,
            MemberGraphs.maps(width, path, modulated),
            null));
  }

  /** Returns whether a router reads other vectors than those of rows. */
  private static boolean apart(Router router) {
    return router.hasWeight() && router.source() != Source.HIDDEN;
  }

  /** Returns the graph of a router that reads vectors under that name. */
  private Graph router(String path, String input, Router router, int logits) {
    Graph graph = new Graph(path + ".router");
    int condition = router.condition();
    String x = graph.input(input, -1, condition == 0 ? width : condition);
    Layers layers = new Layers(graph, width);
    String z = layers.logits(router, path + ".router", logits, x);
    graph.output("logits", z, -1, logits);
    return graph;
  }

  private void finish(Place place) {
    if (place.finish() == Step.Finish.BEHIND) {
      open = new TokenRun(place.path() + ".after", width);
      open.finish(place, width, null, false);
    }
  }

  private TokenRun open(Place place) {
    TokenRun run = open == null ? new TokenRun(place.path(), width) : open;
    open = run;
    return run;
  }

  private void close() {
    if (open != null) {
      steps.add(open.done());
      open = null;
    }
  }

  /**
   * Where an operation stands.
   *
   * @param summed whether its result is added to the residual; else nothing is around it
   */
  record Place(
      String path,
      @Nullable Norm before,
      @Nullable Norm after,
      @Nullable Double multiplier,
      @Nullable Norm afterSum,
      boolean summed) {
    Step.Finish finish() {
      if (!summed) {
        return Step.Finish.ALONE;
      }
      return after == null && multiplier == null && afterSum == null
          ? Step.Finish.ADDED
          : Step.Finish.BEHIND;
    }
  }
}
