package anabranch.onnx.run;

import anabranch.backend.Numerics;
import anabranch.model.Encoder;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.facts.Cut;
import anabranch.model.facts.Point;
import anabranch.model.facts.StageSpec;
import anabranch.model.facts.Visit;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Chain;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Operation;
import anabranch.model.layer.Skip;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Criterion;
import anabranch.model.plan.DepthChoice;
import anabranch.model.plan.GraphRank;
import anabranch.model.plan.Head;
import anabranch.model.plan.Prune;
import anabranch.onnx.call.LoadedStep;
import anabranch.onnx.call.StageCall;
import anabranch.onnx.embed.Embedder;
import anabranch.onnx.graph.EdgeGraphs;
import anabranch.onnx.graph.Graph;
import anabranch.onnx.graph.MemberGraphs;
import anabranch.onnx.graph.PointGraphs;
import anabranch.onnx.head.PointRunner;
import anabranch.onnx.joined.Joiner;
import anabranch.onnx.session.Opener;
import anabranch.onnx.session.Session;
import anabranch.onnx.state.Layout;
import anabranch.onnx.step.StepLoader;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Loads the graphs of a model into sessions. Confined to one load. */
public final class Loader {
  private final ModelSpec spec;
  private final Opener opener;
  private final StepLoader steps;
  private final Map<String, List<LoadedStep>> blocks = new HashMap<>();
  private final @Nullable Joiner joiner;
  private final Map<String, Long> uses;

  private Loader(ModelSpec spec, Opener opener, MemberGraphs.Form form, boolean large) {
    this.spec = spec;
    this.opener = opener;
    this.steps = new StepLoader(spec, opener, form);
    this.joiner = large ? new Joiner(spec.width(), opener, steps, Graph.MOST_MESSAGE_BYTES) : null;
    this.uses =
        Cut.of(spec).stages().stream()
            .flatMap(stage -> stage.visits().stream())
            .flatMap(visit -> visit.blocks().stream())
            .collect(Collectors.groupingBy(Visit.Member::path, Collectors.counting()));
  }

  /**
   * Loads a model whose weights fit.
   *
   * @param form how the experts of a mixture become graphs
   * @param halves whether sequences keep keys and values in 16 bits
   * @param large whether all between two attention cores is one graph
   * @throws IllegalStateException if ONNX Runtime refuses a graph
   */
  public static OnnxModel load(
      ModelSpec spec,
      Opener opener,
      MemberGraphs.Form form,
      Numerics numerics,
      boolean halves,
      boolean large) {
    boolean complete = false;
    try {
      OnnxModel model = new Loader(spec, opener, form, large).load(numerics, halves);
      complete = true;
      return model;
    } finally {
      if (!complete) {
        opener.opened().forEach(Session::close);
      }
    }
  }

  private OnnxModel load(Numerics numerics, boolean halves) {
    Layout layout = Layout.of(spec, numerics.type(), halves);
    OnnxModel model = new OnnxModel(spec, numerics, layout, opener.crew());
    List<OnnxStage> stages = new ArrayList<>();
    Map<String, Head.Pool> pools = new HashMap<>();
    for (StageSpec stage : Cut.of(spec).stages()) {
      stages.add(stage(model, stage));
      if (stage.point() instanceof Point.AtChoice at
          && at.choice().from() == DepthChoice.From.MEMORY) {
        pools.put(at.path(), at.pool());
      }
    }
    Encoder encoder = spec.encoder();
    Memories memories = null;
    if (encoder != null) {
      Session norm =
          encoder.norm() == null
              ? null
              : opener.open(EdgeGraphs.norm("encoder.norm", spec.width(), encoder.norm()));
      memories = new Memories(layout, spec.width(), norm, steps.memoryReaders(), pools);
    }
    opener.await();
    model.take(stages, memories, opener.opened(), opener.notes());
    return model;
  }

  private OnnxStage stage(OnnxModel model, StageSpec stage) {
    Encoder encoder = stage.encoder() ? spec.encoder() : null;
    Input input = encoder == null ? spec.input() : encoder.input();
    Head head = stage.point().head();
    List<LoadedStep> body =
        head == null || head.body() == null
            ? null
            : steps.load(stage.point().path(), 0, head.body().sublayers());
    OnnxStage.Parts parts =
        new OnnxStage.Parts(
            stage.embeds() ? embedder(encoder, input) : null,
            visits(stage),
            body,
            point(stage, input.maxLength()),
            StepLoader.asksReceived(stage) || StepLoader.asksGiven(stage)
                ? lastAttention(stage)
                : null);
    return new OnnxStage(model, stage, input.maxLength(), parts);
  }

  /** Returns, for each visit, the steps of its blocks. */
  private List<List<List<LoadedStep>>> visits(StageSpec stage) {
    List<List<List<LoadedStep>>> visits = new ArrayList<>();
    List<Visit.Member> together = new ArrayList<>();
    for (Visit visit : stage.visits()) {
      if (joiner != null && visit.blocks().size() == 1 && once(visit.blocks().get(0))) {
        together.add(visit.blocks().get(0));
      } else {
        join(together, visits);
        visits.add(visit.blocks().stream().map(this::block).toList());
      }
    }
    join(together, visits);
    return visits;
  }

  /** Returns whether no other visit has the block: graphs may cross its borders. */
  private boolean once(Visit.Member member) {
    return uses.get(member.path()) == 1;
  }

  private void join(List<Visit.Member> together, List<List<List<LoadedStep>>> visits) {
    if (joiner != null) {
      joiner.load(together).forEach(steps -> visits.add(List.of(steps)));
      together.clear();
    }
  }

  private List<LoadedStep> block(Visit.Member member) {
    return blocks.computeIfAbsent(
        member.path(),
        path ->
            joiner == null
                ? steps.load(path, member.index(), member.block().sublayers())
                : joiner.load(List.of(member)).get(0));
  }

  private Embedder embedder(@Nullable Encoder encoder, Input input) {
    String path = encoder == null ? "embedding" : "encoder.embedding";
    var embedding = encoder == null ? spec.embedding() : encoder.embedding();
    Graph graph = EdgeGraphs.embedding(path, spec.width(), input, embedding);
    return new Embedder(
        path,
        spec.width(),
        input,
        embedding,
        opener.weights(),
        graph == null ? null : opener.open(graph));
  }

  private PointRunner point(StageSpec stage, int most) {
    Point point = stage.point();
    int width = spec.width();
    Head head = point.head();
    Criterion.Score score = point.score();
    Session answers = null;
    Session learned = null;
    Session scores = null;
    if (head != null) {
      int in = head.pool() == Head.Pool.FLATTEN ? Math.multiplyExact(width, most) : width;
      Head form =
          new Head(
              Head.Pool.EACH,
              null,
              head.norm(),
              head.hidden(),
              head.outputs(),
              head.bias(),
              head.multiplier());
      answers = opener.openOnce(List.of(in, form), PointGraphs.head(point.path(), in, head));
    }
    if (score == Criterion.Score.LEARNED) {
      learned = opener.open(PointGraphs.learned(point.path(), width));
    }
    int outputs = head == null ? 0 : head.outputs();
    if (point instanceof Point.AtChoice at) {
      outputs = at.depths();
      boolean bias = at.choice().bias();
      learned = opener.open(PointGraphs.choice(point.path(), width, outputs, bias));
    }
    if (score != null && score.ofLogits()) {
      Graph graph = PointGraphs.score(score, outputs);
      scores = graph == null ? null : opener.open(graph);
    }
    PointRunner.Sessions sessions = new PointRunner.Sessions(answers, learned, scores);
    return new PointRunner(point, width, most, stage.embeds(), sessions);
  }

  /** Returns the last attention of a stage that reads rows of its own sequence. */
  private static StageCall.@Nullable Received lastAttention(StageSpec stage) {
    StageCall.Received last = null;
    int member = 0;
    Prune prune = stage.point() instanceof Point.AtPrune at ? at.prune() : null;
    GraphRank rank = prune == null ? null : prune.rank();
    boolean keys = prune != null && prune.compared() == Prune.Compared.KEYS;
    for (Visit visit : stage.visits()) {
      for (Visit.Member each : visit.blocks()) {
        String path = last(each.path(), each.block().sublayers());
        last = path == null ? last : new StageCall.Received(member, path, rank, keys);
        member++;
      }
    }
    return last;
  }

  private static @Nullable String last(String path, List<Sublayer> sublayers) {
    String last = null;
    for (Sublayer sublayer : sublayers) {
      String inside = last(path + "." + sublayer.name(), sublayer.operation());
      last = inside == null ? last : inside;
    }
    return last;
  }

  private static @Nullable String last(String path, Operation operation) {
    if (operation instanceof Skip skip) {
      return last(skip.operationPath(path), skip.operation());
    } else if (operation instanceof Mixture.Modulated modulated) {
      return last(modulated.operationPath(path), modulated.operation());
    } else if (operation instanceof Chain chain) {
      return last(path, chain.sublayers());
    }
    return operation instanceof Attention attention && attention.mask() != Attention.Mask.MEMORY
        ? path
        : null;
  }
}
