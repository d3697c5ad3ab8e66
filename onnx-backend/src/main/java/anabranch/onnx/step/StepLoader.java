package anabranch.onnx.step;

import anabranch.model.ModelSpec;
import anabranch.model.facts.Cut;
import anabranch.model.facts.StageSpec;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.RoutedHeads;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Criterion;
import anabranch.model.position.Rotary;
import anabranch.model.route.Logits;
import anabranch.model.route.Placement;
import anabranch.model.route.Router;
import anabranch.onnx.attention.Additions;
import anabranch.onnx.attention.Angles;
import anabranch.onnx.attention.AttentionCore;
import anabranch.onnx.call.LoadedStep;
import anabranch.onnx.dispatch.Bank;
import anabranch.onnx.graph.BlockGraphs;
import anabranch.onnx.graph.CoreShape;
import anabranch.onnx.graph.EdgeGraphs;
import anabranch.onnx.graph.Graph;
import anabranch.onnx.graph.MemberGraphs;
import anabranch.onnx.graph.Step;
import anabranch.onnx.member.FusedMembers;
import anabranch.onnx.member.MemberCalls;
import anabranch.onnx.member.Members;
import anabranch.onnx.member.Sharing;
import anabranch.onnx.member.SingleMembers;
import anabranch.onnx.member.TogetherMembers;
import anabranch.onnx.session.Opener;
import anabranch.onnx.session.Session;
import anabranch.routing.Routing;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Loads the steps of blocks into sessions. Confined to one load. */
public final class StepLoader {
  private final int width;
  private final Opener opener;
  private final MemberGraphs.Form form;
  private final boolean asksReceived;
  private final boolean asksGiven;
  private final boolean everyRowRuns;
  private final Map<CoreShape, AttentionCore> cores = new HashMap<>();
  private final Map<Rotary, Map<Integer, Angles>> angles = new HashMap<>();
  private final Map<String, AttendStep> memoryReaders = new HashMap<>();

  /**
   * Starts a load.
   *
   * @param form how the experts of a mixture become graphs
   */
  public StepLoader(ModelSpec spec, Opener opener, MemberGraphs.Form form) {
    this.width = spec.width();
    this.opener = opener;
    this.form = form;
    List<StageSpec> stages = Cut.of(spec).stages();
    this.asksReceived = stages.stream().anyMatch(StepLoader::asksReceived);
    this.asksGiven = stages.stream().anyMatch(StepLoader::asksGiven);
    this.everyRowRuns = stages.stream().allMatch(stage -> stage.frozen() == null);
  }

  /** Returns whether a stage asks for what its rows receive. */
  public static boolean asksReceived(StageSpec stage) {
    return stage.point().score() == Criterion.Score.ATTENTION_RECEIVED;
  }

  /** Returns whether a stage asks for what its rows give each other. */
  public static boolean asksGiven(StageSpec stage) {
    return stage.point().score() != null && stage.point().score().ofGraph();
  }

  /** Returns the attentions loaded so far that read a memory, by their parameter paths. */
  public Map<String, AttendStep> memoryReaders() {
    return Map.copyOf(memoryReaders);
  }

  /**
   * Loads sublayers.
   *
   * @param path of their parameters
   * @param block the number of their block, for random routers
   */
  public List<LoadedStep> load(String path, int block, List<Sublayer> sublayers) {
    List<Step> steps =
        everyRowRuns
            ? BlockGraphs.ofEveryRow(width, path, sublayers, Graph.MOST_MESSAGE_BYTES)
            : BlockGraphs.of(width, path, sublayers);
    return load(steps, block);
  }

  private List<LoadedStep> load(List<Step> steps, int block) {
    List<LoadedStep> loaded = new ArrayList<>();
    for (Step step : steps) {
      loaded.add(load(step, block));
    }
    return loaded;
  }

  /**
   * Loads a step.
   *
   * @param block the number of its block, for random routers
   */
  public LoadedStep load(Step step, int block) {
    if (step instanceof Step.Attend attend) {
      return attend(attend);
    } else if (step instanceof Step.AttendRouted routed) {
      return routed(routed, block);
    } else if (step instanceof Step.AttendProjected projected) {
      return projected(projected, block);
    } else if (step instanceof Step.Tokenwise layers) {
      return new TokenwiseStep(layers, opener.open(layers.graph()));
    } else if (step instanceof Step.Mix mix) {
      return mix(mix, block);
    } else if (step instanceof Step.Sliced sliced) {
      return sliced(sliced, block);
    } else if (step instanceof Step.Inside inside) {
      Graph lead = inside.lead();
      Bank bank =
          inside.skip() == null
              ? null
              : bank(inside.path(), block, inside.skip().router(), 1, inside.router());
      List<LoadedStep> own = load(inside.steps(), block);
      return new InsideStep(inside, lead == null ? null : opener.open(lead), bank, own);
    } else if (step instanceof Step.Merge merge) {
      Graph lead = merge.lead();
      return new MergeStep(
          merge, lead == null ? null : opener.open(lead), load(merge.steps(), block));
    } else if (step instanceof Step.Recur recur) {
      return recur(recur);
    } else if (step instanceof Step.Remember remember) {
      float[] a = opener.numbers(remember.path() + ".a");
      return new MemoryStep(remember, opener.open(remember.in()), a);
    }
    throw new AssertionError(step);
  }

  private LoadedStep mix(Step.Mix mix, int block) {
    Router router = mix.bank().router();
    if (router == null) {
      throw new AssertionError(mix.path());
    }
    Bank bank = bank(mix.path(), block, router, mix.bank().members(), mix.router());
    Graph shared = mix.shared();
    Session all = shared == null ? null : opener.open(shared);
    return new MixStep(mix, bank, members(mix, router), constant(mix), all);
  }

  private LoadedStep sliced(Step.Sliced step, int block) {
    Mixture.Sliced sliced = step.sliced();
    Bank bank = bank(step.path(), block, sliced.router(), sliced.slices(), step.router());
    List<Session> slices = step.slices().stream().map(opener::openOneOfMany).toList();
    Sharing sharing = sharing(step.slices());
    MemberCalls calls = new MemberCalls(slices, "x", width, "y", sliced.length(), sharing);
    return new SlicedStep(step, bank, calls);
  }

  private Members members(Step.Mix mix, Router router) {
    if (form == MemberGraphs.Form.FUSED) {
      String why = null;
      if (mix.bank() instanceof Mixture mixture) {
        Graph fused =
            MemberGraphs.fused(width, mix.path(), mixture, opener.products(), opener.kernels());
        if (fused != null) {
          return new FusedMembers(mix.bank().members(), opener.open(fused));
        }
        why = opener.kernels().refusal(width, mixture.expert().inner(), opener.products());
      }
      opener.note(
          "the experts of "
              + mix.path()
              + " run one by one: "
              + (why == null ? "no fused operator computes them" : why));
    }
    boolean scaled = router.placement() == Placement.INPUT;
    List<Session> sessions = mix.experts().stream().map(opener::openOneOfMany).toList();
    SingleMembers each = new SingleMembers(mix.bank(), scaled, sessions, sharing(mix.experts()));
    int experts = MemberGraphs.experts(mix.bank());
    if (form != MemberGraphs.Form.TOGETHER || experts == 1) {
      return each;
    }
    Graph together = MemberGraphs.together(width, mix.path(), mix.bank(), opener.products());
    if (together == null) {
      opener.note(
          "the experts of "
              + mix.path()
              + " run one by one: one graph takes 1 GiB of them, and none in 8 bits");
      return each;
    }
    return new TogetherMembers(each, experts, opener.open(together));
  }

  private Sharing sharing(List<Graph> members) {
    return new Sharing(opener.crew(), members.get(0).weightBytes() / Float.BYTES);
  }

  private float[] constant(Step.Mix mix) {
    if (mix.bank() instanceof Mixture mixture) {
      return mixture.constant() ? opener.numbers(mix.path() + ".constant") : new float[0];
    }
    float[] ones = new float[width];
    Arrays.fill(ones, 1);
    return ones;
  }

  private LoadedStep routed(Step.AttendRouted step, int block) {
    Step.Attend attend = step.attend();
    RoutedHeads routed = attend.attention().routed();
    if (routed == null) {
      throw new AssertionError(attend.path());
    }
    Bank bank = bank(attend.path(), block, routed.router(), routed.experts(), step.router());
    Graph logits = attend.query();
    Graph rotation = step.rotation();
    return new RoutedAttendStep(
        step,
        routed,
        attend(
            new Step.Attend(
                attend.path(),
                attend.attention(),
                attend.normed(),
                attend.counts(),
                attend.keysAndValues(),
                null)),
        bank,
        logits == null ? null : opener.open(logits),
        rotation == null ? null : opener.open(rotation),
        calls(step.queries(), "x", width, "q", attend.attention().queryWidth()),
        calls(step.results(), "u", attend.attention().resultWidth(), "y", width),
        routed.constant() ? opener.numbers(attend.path() + ".constant") : new float[0]);
  }

  private LoadedStep projected(Step.AttendProjected step, int block) {
    Attention attention = step.attend().attention();
    Attention.RoutedProjections routed = attention.projections();
    if (routed == null) {
      throw new AssertionError(step.attend().path());
    }
    String path = step.attend().path();
    int each = attention.headWidth();
    return new ProjectedAttendStep(
        step,
        attend(step.attend()),
        opener.open(step.router()),
        heads(path + ".v", block, routed, step.values(), width, each),
        heads(path + ".o", block, routed, step.results(), each, width));
  }

  private List<HeadExperts> heads(
      String path,
      int block,
      Attention.RoutedProjections routed,
      List<List<Graph>> graphs,
      int in,
      int out) {
    List<HeadExperts> heads = new ArrayList<>();
    for (List<Graph> own : graphs) {
      String head = path + "." + heads.size();
      Bank bank = bank(head, block, routed.router(), routed.experts(), null);
      heads.add(new HeadExperts(bank, calls(own, "x", in, "y", out)));
    }
    return heads;
  }

  private MemberCalls calls(List<Graph> graphs, String from, int in, String to, int out) {
    List<Session> sessions = graphs.stream().map(opener::openOneOfMany).toList();
    return new MemberCalls(sessions, from, in, to, out, sharing(graphs));
  }

  /** Returns an attention whose queries, keys and values another graph makes. */
  public AttendStep core(Step.Attend attend) {
    CoreShape shape = CoreShape.of(attend.attention(), attend.counts());
    return new AttendStep(attend, null, null, core(shape), additions(attend), null);
  }

  private AttendStep attend(Step.Attend attend) {
    Graph query = attend.query();
    AttendStep loaded =
        new AttendStep(
            attend,
            opener.open(attend.keysAndValues()),
            query == null ? null : opener.open(query),
            core(CoreShape.of(attend.attention(), attend.counts())),
            additions(attend),
            angles(attend.attention()));
    if (attend.attention().mask() == Attention.Mask.MEMORY) {
      memoryReaders.put(attend.path(), loaded);
    }
    return loaded;
  }

  private LoadedStep recur(Step.Recur recur) {
    String path = recur.path();
    RecurStep.Scan scan =
        new RecurStep.Scan(
            recur.recurrence(),
            opener.numbers(path + ".convolution.weight"),
            opener.numbers(path + ".convolution.bias"),
            opener.numbers(path + ".a"),
            opener.numbers(path + ".d"));
    return new RecurStep(recur, opener.open(recur.in()), opener.open(recur.project()), scan);
  }

  /**
   * Returns what decides about a bank.
   *
   * @param block the number of its block, for random routers
   * @param means what maps one vector for each sequence to logits; null where rows have their own
   */
  public Bank bank(String path, int block, Router router, int members, @Nullable Graph means) {
    float[] correction =
        router.hasCorrection() ? opener.numbers(path + ".router.correction") : null;
    boolean named = router.logits() instanceof Logits.TokenTable;
    float[] table = named ? opener.numbers(path + ".router.table") : null;
    Routing routing = Routing.of(path, block, router, members, correction, table);
    Session session = means == null ? null : opener.open(means);
    return new Bank(path, router, router.logitsFor(members), routing, session);
  }

  private AttentionCore core(CoreShape of) {
    return cores.computeIfAbsent(
        of,
        shape ->
            new AttentionCore(
                shape,
                opener.open(EdgeGraphs.core(shape)),
                asksReceived || shape.counts() ? opener.open(EdgeGraphs.received(shape)) : null,
                asksGiven && !shape.causal() ? opener.open(EdgeGraphs.given(shape)) : null));
  }

  private Additions additions(Step.Attend attend) {
    Attention attention = attend.attention();
    CoreShape shape = CoreShape.of(attention);
    return new Additions(
        attention,
        shape.distances() == null ? null : opener.numbers(attend.path() + ".distances"),
        shape.sinks() ? opener.numbers(attend.path() + ".sinks") : null);
  }

  /** Returns the angles by which an attention turns; null where it does not. */
  public @Nullable Angles angles(Attention attention) {
    Rotary rotary = attention.rotary();
    if (rotary == null) {
      return null;
    }
    return angles
        .computeIfAbsent(rotary, r -> new HashMap<>())
        .computeIfAbsent(attention.rotatedWidth() / 2, pairs -> new Angles(rotary, pairs));
  }
}
