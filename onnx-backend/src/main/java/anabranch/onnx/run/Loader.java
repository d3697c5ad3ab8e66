package anabranch.onnx.run;

import anabranch.backend.Numerics;
import anabranch.model.Attention;
import anabranch.model.Exit;
import anabranch.model.Mixture;
import anabranch.model.ModelSpec;
import anabranch.model.facts.Cut;
import anabranch.model.facts.Point;
import anabranch.model.facts.StageSpec;
import anabranch.onnx.attention.Angles;
import anabranch.onnx.attention.AttentionCore;
import anabranch.onnx.graph.EdgeGraphs;
import anabranch.onnx.graph.Graph;
import anabranch.onnx.graph.StageGraphs;
import anabranch.onnx.graph.Step;
import anabranch.onnx.session.NativeRuntime;
import anabranch.onnx.session.Session;
import anabranch.routing.Routing;
import anabranch.weights.Tensor;
import anabranch.weights.Weights;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Loads the graphs of a model into sessions. Confined to one load. */
public final class Loader {
  private final ModelSpec spec;
  private final Weights weights;
  private final NativeRuntime runtime;
  private final int device;
  private final int threads;
  private final List<Session> opened = new ArrayList<>();
  private final Map<Attention, AttentionCore> cores = new HashMap<>();
  private final Map<Attention.Rotary, Map<Integer, Angles>> angles = new HashMap<>();

  private Loader(ModelSpec spec, Weights weights, NativeRuntime runtime, int device, int threads) {
    this.spec = spec;
    this.weights = weights;
    this.runtime = runtime;
    this.device = device;
    this.threads = threads;
  }

  /**
   * Loads a model whose weights fit.
   *
   * @param device {@link Session#CPU} or the number of a CUDA device
   * @throws IllegalStateException if ONNX Runtime refuses a graph
   */
  public static OnnxModel load(
      ModelSpec spec,
      Weights weights,
      NativeRuntime runtime,
      int device,
      int threads,
      Numerics numerics) {
    Loader loader = new Loader(spec, weights, runtime, device, threads);
    OnnxModel model = new OnnxModel(spec, numerics);
    boolean complete = false;
    try {
      for (StageSpec stage : Cut.of(spec)) {
        model.add(loader.stage(model, stage));
      }
      loader.cores.values().forEach(model::share);
      complete = true;
      return model;
    } finally {
      if (!complete) {
        loader.opened.forEach(Session::close);
      }
    }
  }

  private OnnxStage stage(OnnxModel model, StageSpec stage) {
    Embedder embedder = null;
    if (stage.embeds()) {
      Graph graph = EdgeGraphs.embedding(spec);
      embedder = new Embedder(spec, weights, graph == null ? null : open(graph));
    }
    List<LoadedStep> steps = new ArrayList<>();
    int attentions = 0;
    for (Step step : StageGraphs.of(spec, stage)) {
      steps.add(load(step, attentions));
      attentions += step instanceof Step.Attend ? 1 : 0;
    }
    return new OnnxStage(model, stage, embedder, steps, head(stage.point()));
  }

  private LoadedStep load(Step step, int ordinal) {
    if (step instanceof Step.Attend attend) {
      Session keysAndValues = open(attend.keysAndValues());
      Session query = open(attend.query());
      AttentionCore core = core(attend.attention());
      Angles turned = angles(attend.attention());
      return new LoadedStep.Attend(attend, ordinal, keysAndValues, query, core, turned);
    }
    if (step instanceof Step.Tokenwise layers) {
      return new LoadedStep.Tokenwise(layers, open(layers.graph()));
    }
    if (step instanceof Step.Mix mix) {
      List<Session> experts = new ArrayList<>();
      mix.experts().forEach(graph -> experts.add(open(graph)));
      Routing routing = Routing.of(mix.path(), mix.mixture(), correction(mix));
      return new LoadedStep.Mix(
          mix, new Experts(mix.path(), mix.mixture(), spec.width(), routing, experts));
    }
    throw new AssertionError(step);
  }

  private HeadRunner head(Point point) {
    Session head = open(EdgeGraphs.head(spec, point.head(), point.path()));
    Session score = null;
    if (point instanceof Point.AtExit at) {
      Exit.Criterion.Score how = at.exit().criterion().score();
      Graph graph = EdgeGraphs.score(how, point.head().outputs());
      score = graph == null ? null : open(graph);
    }
    return new HeadRunner(point, spec.width(), head, score);
  }

  private AttentionCore core(Attention attention) {
    Attention shape =
        new Attention(
            attention.heads(),
            attention.keyValueHeads(),
            attention.headWidth(),
            attention.mask(),
            null,
            false);
    return cores.computeIfAbsent(
        shape, described -> new AttentionCore(described, open(EdgeGraphs.core(described))));
  }

  private @Nullable Angles angles(Attention attention) {
    Attention.Rotary rotary = attention.rotary();
    if (rotary == null) {
      return null;
    }
    return angles
        .computeIfAbsent(rotary, r -> new HashMap<>())
        .computeIfAbsent(attention.headWidth() / 2, half -> new Angles(rotary.base(), half));
  }

  private float @Nullable [] correction(Step.Mix mix) {
    Mixture mixture = mix.mixture();
    if (!mixture.router().hasCorrection()) {
      return null;
    }
    Tensor tensor = weights.tensor(mix.path() + ".router.correction");
    float[] values = new float[mixture.experts()];
    tensor.copyTo(FloatBuffer.wrap(values));
    return values;
  }

  private Session open(Graph graph) {
    Session session = Session.open(runtime, graph.name(), graph.model(weights), device, threads);
    opened.add(session);
    return session;
  }
}
