package anabranch.onnx.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.Event;
import anabranch.backend.LoadOptions;
import anabranch.backend.LoadedModel;
import anabranch.backend.SequenceState;
import anabranch.backend.Trace;
import anabranch.model.Embedding;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Block;
import anabranch.model.layer.Bypass;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Criterion;
import anabranch.model.plan.Exit;
import anabranch.model.plan.Head;
import anabranch.model.plan.Part;
import anabranch.model.plan.Plan;
import anabranch.model.route.Capacity;
import anabranch.model.route.Gate;
import anabranch.model.route.Logits;
import anabranch.model.route.Preference;
import anabranch.model.route.Router;
import anabranch.model.route.Routers;
import anabranch.model.route.Score;
import anabranch.model.route.Selection;
import anabranch.model.route.Source;
import anabranch.onnx.Experts;
import anabranch.onnx.Graphs;
import anabranch.onnx.OnnxBackend;
import anabranch.onnx.OnnxOptions;
import anabranch.onnx.Precision;
import anabranch.weights.MemoryWeights;
import anabranch.weights.Tensor;
import anabranch.weights.Weights;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

class LargeGraphsTest {
  private static final int WIDTH = 16;
  private static final int EXPERTS = 6;
  private static final Norm RMS = new Norm.Rms(1e-5);
  private static final Event EVENT = Event.ofTokens(new int[] {3, 1, 4, 1, 5, 9, 2, 6});

  @Test
  void eachAttentionCoreAndWhatFollowsItIsOneCallEach() {
    ModelSpec spec = model("mixtral", 4, Routers.mixtral(2));
    try (Weights weights = Weights.random(spec, 1);
        OnnxModel small = load(spec, weights, Graphs.SMALL, Precision.FP32);
        OnnxModel large = load(spec, weights, Graphs.LARGE, Precision.FP32)) {
      // In each layer: q, k and v, the core, o and logits, and each expert that some row sees.
      long experts = 0;
      for (Trace.Choices each : feed(small).choices) {
        experts += Arrays.stream(ints(each.ran())).filter(rows -> rows > 0).count();
      }
      assertEquals(4 * 3 + experts + 1, calls(small));
      // Five graphs around four cores, and the head.
      assertEquals(5 + 4 + 1, calls(large));
      assertEquals(5 + 1 + 1, large.graphs());
      assertTrue(small.graphs() > 4 * (2 + EXPERTS), "graphs: " + small.graphs());
    }
  }

  @Test
  void decisionsAndAnswersAreThoseOfSmallGraphs() {
    for (Router router : routers()) {
      ModelSpec spec = model("routed", 2, router);
      for (Precision precision : List.of(Precision.FP32, Precision.FP16, Precision.BF16)) {
        same(spec, Weights.random(spec, 7), precision, List.of());
      }
    }
  }

  @Test
  void whatEveryRowRunsAndLayersAroundTheSumAreInTheGraph() {
    Mixture mixture =
        new Mixture(EXPERTS, network(), Routers.mixtral(2), true)
            .withShared(FeedForward.plain(12, Activation.GELU).withBias(), true);
    Block block =
        Block.of(
            Sublayer.preNorm(RMS, Attention.causal(2, 8).withRotary(100)),
            new Sublayer("mixture", RMS, mixture, RMS, RMS),
            Sublayer.postNorm(FeedForward.plain(8, Activation.RELU), RMS));
    ModelSpec spec = model("around", Plan.of(block, block));
    same(spec, Weights.random(spec, 3), Precision.FP32, List.of());
    same(spec, Weights.random(spec, 3), Precision.FP16, List.of());
  }

  @Test
  void mixturesOfBlocksWithoutAttentionAreOneGraphAndTracedAtTheirVisits() {
    Block block = Block.of(Sublayer.preNorm(RMS, new Mixture(3, network(), Routers.mixtral(1))));
    ModelSpec spec = model("mixtures", Plan.of(block, block, block));
    try (Weights weights = Weights.random(spec, 3);
        OnnxModel large = load(spec, weights, Graphs.LARGE, Precision.FP32)) {
      assertEquals(1 + 1, calls(large));
      List<Integer> visits = feed(large).choices.stream().map(Trace.Choices::visit).toList();
      assertEquals(List.of(0, 1, 2), visits);
    }
    same(spec, Weights.random(spec, 3), Precision.FP32, List.of());
  }

  @Test
  void blocksThatRunTwiceKeepTheirWeightsOnce() {
    Block block =
        Block.of(
            Sublayer.preNorm(RMS, Attention.causal(2, 8)),
            Sublayer.preNorm(RMS, new Mixture(3, network(), Routers.mixtral(1))));
    Plan.Builder plan = Plan.builder();
    int stored = plan.store(block);
    plan.add(block);
    plan.add(new Part.Run(stored));
    plan.add(new Part.Run(stored));
    plan.add(new Part.Run(stored));
    ModelSpec spec = model("again", plan.build());
    try (Weights weights = Weights.random(spec, 3);
        OnnxModel large = load(spec, weights, Graphs.LARGE, Precision.FP32)) {
      // Front and rest of each of the two blocks, one core, the head.
      assertEquals(2 * 2 + 1 + 1, large.graphs());
    }
    same(spec, Weights.random(spec, 3), Precision.FP32, List.of());
  }

  @Test
  void rowsThatLeftShowKeysToThoseBehindThem() {
    Block block =
        Block.of(
            Sublayer.preNorm(RMS, Attention.causal(4, 4).withKeyValueHeads(2).withRotary(100)),
            Sublayer.preNorm(RMS, new Mixture(EXPERTS, network(), Routers.mixtral(2))));
    Exit exit =
        new Exit(
            "early",
            new Head(Head.Pool.EACH, RMS, 5, false),
            Criterion.confidence(),
            Bypass.FREEZE_PROJECT);
    ModelSpec spec =
        model("left", Plan.builder().add(block).add(exit).add(block).add(block).build());
    List<int[]> exits = List.of(new int[] {0, 1, 0, 0, 1, 1, 0, 1}, new int[] {1, 0, 0, 1});
    List<Event> events = List.of(EVENT, Event.ofTokens(new int[] {7, 7, 1, 2}));
    try (Weights weights = Weights.random(spec, 3);
        OnnxModel small = load(spec, weights, Graphs.SMALL, Precision.FP32);
        OnnxModel large = load(spec, weights, Graphs.LARGE, Precision.FP32)) {
      // One by one, some calls have no live row at all.
      for (int step : new int[] {8, 3, 1}) {
        List<float[]> expected = new Passes(small).run(events, exits, step);
        List<float[]> found = new Passes(large).run(events, exits, step);
        for (int item = 0; item < events.size(); item++) {
          near(expected.get(item), found.get(item), Precision.FP32);
        }
      }
    }
  }

  @Test
  void whatTheHostDecidesIsNamed() {
    String path = "blocks.0.mixture";
    Selection.Secondary secondary = new Selection.Secondary(0.3, null);
    ModelSpec some = model("some", 1, Routers.stMoe(secondary, new Capacity.Unlimited()));
    same(
        some,
        Weights.random(some, 3),
        Precision.FP32,
        List.of("the host decides at " + path + ": choices after the first may be left out"));
    ModelSpec hashed = model("hashed", 1, Routers.hash(3));
    same(
        hashed,
        Weights.random(hashed, 3),
        Precision.FP32,
        List.of("the host decides at " + path + ": its router reads TOKEN_ID"));
    ModelSpec always = model("always", 1, Routers.mohd(1, 1));
    same(
        always,
        Weights.random(always, 3),
        Precision.FP32,
        List.of("the host decides at " + path + ": some experts are always picked"));
  }

  @Test
  void tiesGoToTheLowerIndexInTheGraph() {
    for (Router router : routers()) {
      ModelSpec spec = model("ties", 1, router);
      Weights zeros = with(Weights.random(spec, 1), ".router.", 0);
      try (OnnxModel large = load(spec, zeros, Graphs.LARGE, Precision.FP32)) {
        Trace.Choices choices = feed(large).choices.get(0);
        for (int i = 0; i < EVENT.rows() * choices.k(); i++) {
          assertEquals(i % choices.k(), choices.experts().get(i), router.toString());
        }
      }
    }
  }

  @Test
  void expertsThatWereToRunTogetherAreSaidToBeFused() {
    ModelSpec spec = model("both", 1, Routers.mixtral(2));
    LoadOptions options =
        OnnxOptions.defaults()
            .withGraphs(Graphs.LARGE)
            .withExperts(Experts.TOGETHER)
            .into(LoadOptions.defaults());
    try (Weights weights = Weights.random(spec, 1);
        LoadedModel model = new OnnxBackend().load(spec, weights, options)) {
      assertEquals(
          List.of("experts are fused, not together: graphs are large"), model.numerics().notes());
    }
  }

  @Test
  void scoresNearNothingAreToldApartInTheGraph() {
    Router router =
        Router.linear(Score.SIGMOID, new Selection.TopK(2))
            .with(Source.HIDDEN, new Logits.Linear(true))
            .with(new Gate(Gate.Of.SCORE, new Gate.Normalise(0), 1));
    ModelSpec spec = model("low", 1, router);
    Weights flat = with(Weights.random(spec, 1), ".router.weight", 0);
    String bias = "blocks.0.mixture.router.bias";
    float[] low = {-41, -40, -39, -38, -42, -43};
    List<Tensor> all = new ArrayList<>(flat.names().stream().map(flat::tensor).toList());
    all.removeIf(tensor -> tensor.name().equals(bias));
    all.add(MemoryWeights.tensor(bias, List.of(EXPERTS), low));
    same(spec, MemoryWeights.of(all), Precision.FP32, List.of());
  }

  @Test
  void logitsThatAreNoNumbersAreRefusedInTheWordsOfTheHost() {
    ModelSpec spec = model("bad", 1, Routers.mixtral(2));
    for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
      List<String> said = new ArrayList<>();
      for (Graphs graphs : Graphs.values()) {
        Weights weights = with(Weights.random(spec, 1), ".router.", bad);
        try (OnnxModel model = load(spec, weights, graphs, Precision.FP32)) {
          said.add(assertThrows(ArithmeticException.class, () -> feed(model)).getMessage());
        }
      }
      assertTrue(said.get(0).contains("of row 0, expert 0 is not finite"), said.get(0));
      assertEquals(said.get(0), said.get(1));
    }
  }

  private static List<Router> routers() {
    List<Router> routers = new ArrayList<>();
    routers.add(Routers.switchTop1());
    routers.add(Routers.mixtral(2));
    routers.add(Routers.olmoe(3));
    routers.add(Routers.gptOss(2));
    routers.add(Routers.switchHead(2));
    routers.add(Routers.deepseekV2(2, 3, 2, 1.5));
    for (boolean masked : new boolean[] {false, true}) {
      routers.add(Routers.deepseekV3(2, new Preference.Groups(3, 2, 2, masked), 2.1));
    }
    routers.add(
        Router.linear(Score.SIGMOID, new Selection.TopK(EXPERTS))
            .with(Source.HIDDEN, new Logits.Network(5, Activation.TANH, true))
            .with(new Gate(Gate.Of.SCORE, new Gate.Normalise(0.3), 0.7)));
    return routers;
  }

  /** Runs a model both ways, an event at once and in two parts. */
  private static void same(
      ModelSpec spec, Weights weights, Precision precision, List<String> notes) {
    try (OnnxModel small = load(spec, weights, Graphs.SMALL, precision);
        OnnxModel large = load(spec, weights, Graphs.LARGE, precision)) {
      assertEquals(notes, large.numerics().notes());
      Feeding one = feed(small);
      Feeding other = feed(large);
      assertEquals(one.choices.size(), other.choices.size());
      for (int i = 0; i < one.choices.size(); i++) {
        Trace.Choices expected = one.choices.get(i);
        Trace.Choices found = other.choices.get(i);
        assertEquals(expected.path(), found.path());
        assertEquals(expected.visit(), found.visit());
        assertEquals(expected.k(), found.k());
        assertArrayEquals(ints(expected.experts()), ints(found.experts()), spec + " " + precision);
        assertArrayEquals(ints(expected.ran()), ints(found.ran()));
        near(floats(expected.gates()), floats(found.gates()), precision);
      }
      near(one.logits, other.logits, precision);
    } finally {
      weights.close();
    }
  }

  private static void near(float[] expected, float[] found, Precision precision) {
    double tolerance = precision == Precision.FP32 ? 1e-4 : 0.05;
    assertEquals(expected.length, found.length);
    for (int i = 0; i < expected.length; i++) {
      assertEquals(expected[i], found[i], tolerance * (1 + Math.abs(expected[i])), "number " + i);
    }
  }

  private static Feeding feed(OnnxModel model) {
    try (SequenceState state = model.newState(null)) {
      return Feeding.of(model, state, EVENT);
    }
  }

  private static long calls(OnnxModel model) {
    long before = model.calls();
    feed(model);
    return model.calls() - before;
  }

  private static int[] ints(IntBuffer from) {
    int[] all = new int[from.remaining()];
    from.duplicate().get(all);
    return all;
  }

  private static float[] floats(FloatBuffer from) {
    float[] all = new float[from.remaining()];
    from.duplicate().get(all);
    return all;
  }

  private static OnnxModel load(
      ModelSpec spec, Weights weights, Graphs graphs, Precision precision) {
    LoadOptions options =
        OnnxOptions.defaults()
            .withGraphs(graphs)
            .withPrecision(precision)
            .into(LoadOptions.defaults());
    return (OnnxModel) new OnnxBackend().load(spec, weights, options);
  }

  /** Returns weights in which every number of those whose name contains a text is the same. */
  private static Weights with(Weights weights, String part, float number) {
    List<Tensor> all = new ArrayList<>();
    for (String name : weights.names()) {
      Tensor tensor = weights.tensor(name);
      if (name.contains(part)) {
        float[] values = new float[Math.toIntExact(tensor.elements())];
        Arrays.fill(values, number);
        tensor = MemoryWeights.tensor(name, tensor.shape(), values);
      }
      all.add(tensor);
    }
    return MemoryWeights.of(all);
  }

  private static ModelSpec model(String name, int layers, Router router) {
    Block block =
        Block.of(
            Sublayer.preNorm(RMS, Attention.causal(4, 4).withKeyValueHeads(2).withRotary(100)),
            Sublayer.preNorm(RMS, new Mixture(EXPERTS, network(), router)));
    return model(name, Plan.of(Collections.nCopies(layers, block)));
  }

  private static ModelSpec model(String name, Plan plan) {
    return new ModelSpec(
        name,
        WIDTH,
        new Input.Tokens(10, 32),
        Embedding.plain(),
        plan,
        new Head(Head.Pool.EACH, RMS, 5, false));
  }

  private static FeedForward network() {
    return FeedForward.gated(12, Activation.SILU);
  }
}
