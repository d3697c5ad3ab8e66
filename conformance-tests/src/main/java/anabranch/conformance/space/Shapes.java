package anabranch.conformance.space;

import anabranch.model.Embedding;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Block;
import anabranch.model.layer.Bypass;
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
import anabranch.model.plan.Criterion;
import anabranch.model.plan.Exit;
import anabranch.model.plan.Head;
import anabranch.model.plan.Loop;
import anabranch.model.plan.Part;
import anabranch.model.plan.Plan;
import anabranch.model.route.Router;
import anabranch.model.route.Routers;
import anabranch.weights.MemoryWeights;
import anabranch.weights.Tensor;
import anabranch.weights.Weights;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.BiFunction;

/** Descriptions in the shapes that single tests need, and changes to weights. Stateless. */
public final class Shapes {
  private static final int WIDTH = 12;
  private static final int MOST_ROWS = 16;

  private Shapes() {}

  /** Two token-wise blocks with one mixture each, no exits. */
  public static ModelSpec routed(Router router, int experts) {
    Block block =
        Block.of(
            Sublayer.preNorm(
                new Norm.Rms(1e-5),
                new Mixture(experts, FeedForward.gated(5, Activation.GELU), router)));
    return new ModelSpec(
        "routed",
        WIDTH,
        new Input.Tokens(20, MOST_ROWS),
        Embedding.withPositions(),
        Plan.of(block, block),
        new Head(Head.Pool.EACH, new Norm.Layer(1e-5), 4, false));
  }

  /** One block without norms and a head without norm: logits are linear in its operation. */
  public static ModelSpec linear(Operation operation) {
    Block block = Block.of(new Sublayer(Sublayer.nameOf(operation), null, operation, null, null));
    return new ModelSpec(
        "linear",
        WIDTH,
        new Input.Tokens(20, MOST_ROWS),
        Embedding.plain(),
        Plan.of(block),
        new Head(Head.Pool.EACH, null, 3, true));
  }

  /**
   * Three blocks of attention and mixture over features, exits after the first two, rows freeze.
   */
  public static ModelSpec freezing(Attention attention) {
    return freezing(
        new Input.Features(6, MOST_ROWS), Embedding.withPositions(), attention, mixture());
  }

  /** The same over tokens with hashed n-grams. */
  public static ModelSpec freezingWithNgrams(Attention attention) {
    return freezing(
        new Input.Tokens(20, MOST_ROWS),
        Embedding.plain().withNgrams(new Embedding.Ngrams(List.of(2, 3), 16, 5, 3)),
        attention,
        mixture());
  }

  /** The same over features with plain networks, which compute whatever comes. */
  public static ModelSpec freezingWithoutRouters(Attention attention) {
    return freezing(
        new Input.Features(6, MOST_ROWS),
        Embedding.plain(),
        attention,
        FeedForward.plain(7, Activation.GELU));
  }

  /** Two blocks of causal attention and mixture over tokens, for long sequences. */
  public static ModelSpec decoding(Attention attention) {
    Norm norm = new Norm.Rms(1e-5);
    Block block = Block.of(Sublayer.preNorm(norm, attention), Sublayer.preNorm(norm, mixture()));
    return new ModelSpec(
        "decoding",
        WIDTH,
        new Input.Tokens(20, 256),
        Embedding.plain(),
        Plan.of(block, block),
        new Head(Head.Pool.EACH, norm, 4, false));
  }

  /** Returns causal attention to short vectors of rows, with rotary positions. */
  public static Attention latent() {
    return Attention.causal(3, 6)
        .withLatent(new Latent(5, 4, 2, 3, new Norm.Rms(1e-5)))
        .withRotary(50);
  }

  /** Returns causal attention whose heads are routed, with rotary positions. */
  public static Attention routedHeads() {
    return Attention.causal(4, 4)
        .withKeyValueHeads(2)
        .withRouted(new RoutedHeads(5, Routers.granite(2), true))
        .withRotary(50);
  }

  /** Returns causal attention whose projections are routed, with rotary positions. */
  public static Attention routedProjections() {
    return Attention.causal(4, 4)
        .withKeyValueHeads(2)
        .withProjections(new Attention.RoutedProjections(5, Routers.switchHead(2)))
        .withRotary(50);
  }

  /** Two blocks of skips whose routers carry numbers: sums, and what was summed before. */
  public static ModelSpec carrying() {
    Norm norm = new Norm.Rms(1e-5);
    Attention attention = Attention.causal(2, 4).withRotary(50);
    List<Block> blocks = new ArrayList<>();
    for (String from : new String[] {null, "sum"}) {
      Skip first = new Skip(Routers.skipMiddle("sum", from), attention, Bypass.FREEZE_PROJECT);
      Skip second = new Skip(Routers.skipMiddleAgain("sum"), mixture(), Bypass.MASK);
      blocks.add(
          Block.of(
              new Sublayer("first", norm, first, null, null),
              new Sublayer("second", norm, second, null, null)));
    }
    Head head = new Head(Head.Pool.EACH, norm, 3, true);
    return tokens("carrying", Embedding.plain(), Plan.of(blocks), head);
  }

  /** Descriptions whose sequences may come as several events, one for each thing that is kept. */
  public static List<ModelSpec> incremental() {
    Norm norm = new Norm.Layer(1e-5);
    Attention attention = Attention.causal(2, 4).withRotary(50);
    Sublayer network = Sublayer.preNorm(norm, mixture());
    Block plain = Block.of(Sublayer.preNorm(norm, attention), network);
    Block recurring = Block.of(Sublayer.preNorm(norm, new Recurrence(7, 3, 3, 2)), network);
    Block remembering =
        Block.of(Sublayer.preNorm(norm, new Recurrence.LinearMemory(3, 5, true)), network);
    Block sticky =
        Block.of(
            new Sublayer(
                "skip", norm, new Skip(Routers.mindSkip(0.5), attention, Bypass.MASK), null, null),
            network);
    Block deep =
        Block.of(
            new Sublayer(
                "depth",
                null,
                new Skip(
                    Routers.mixtureOfDepthsCausal(),
                    new Chain(plain.sublayers()),
                    Bypass.FREEZE_PROJECT),
                null,
                null));
    Head head = new Head(Head.Pool.EACH, norm, 3, true);
    Exit project = new Exit("exit", head, Criterion.confidence(), Bypass.FREEZE_PROJECT);
    Exit share = new Exit("exit", head, Criterion.margin(), Bypass.FREEZE_SHARE_KV);
    Exit own =
        new Exit(
            "exit",
            head.withBody(Block.of(Sublayer.preNorm(norm, new Recurrence(5, 2, 2, 1)))),
            Criterion.entropy(),
            Bypass.FREEZE_PROJECT);
    Embedding ngrams = Embedding.plain().withNgrams(new Embedding.Ngrams(List.of(2, 3), 16, 5, 3));
    Loop.Halt halt =
        new Loop.Halt("halt", Head.Pool.EACH, Criterion.learned(), Bypass.FREEZE_PROJECT);
    Plan.Builder loops = Plan.builder();
    int body = loops.store(plain);
    loops.add(plain).add(new Loop(List.of(new Part.Run(body)), 3, halt)).add(plain);
    return List.of(
        tokens("project", Embedding.plain(), leaving(plain, project), head),
        tokens("share", Embedding.plain(), leaving(plain, share), head),
        tokens("own", Embedding.plain(), leaving(plain, own), head),
        tokens("recurring", ngrams, leaving(recurring, project), head),
        tokens("remembering", Embedding.plain(), leaving(remembering, project), head),
        tokens("sticky", Embedding.plain(), Plan.of(sticky, sticky), head),
        tokens("deep", Embedding.plain(), Plan.of(deep, plain), head),
        tokens("loops", Embedding.plain(), loops.build(), head),
        tokens("latent", Embedding.plain(), leaving(with(latent(), norm), project), head),
        tokens("heads", Embedding.plain(), leaving(with(routedHeads(), norm), project), head),
        carrying());
  }

  /** Descriptions that look back a little, through windows or n-grams, one for each way. */
  public static List<ModelSpec> windowed() {
    Norm norm = new Norm.Layer(1e-5);
    Attention sliding = Attention.causal(2, 4).withRotary(50).withWindow(34);
    Attention first = sliding.withWindow(new Attention.Window(34, 3));
    Block plain = with(sliding, norm);
    Block skipping =
        Block.of(
            new Sublayer(
                "skip",
                norm,
                new Skip(Routers.mixtureOfDepthsCausal(), sliding, Bypass.FREEZE_SHARE_KV),
                null,
                null),
            Sublayer.preNorm(norm, mixture()));
    Head head = new Head(Head.Pool.EACH, norm, 3, true);
    Exit project = new Exit("exit", head, Criterion.confidence(), Bypass.FREEZE_PROJECT);
    Exit share = new Exit("exit", head, Criterion.margin(), Bypass.FREEZE_SHARE_KV);
    Exit mask = new Exit("exit", head, Criterion.margin(), Bypass.MASK);
    Embedding ngrams = Embedding.plain().withNgrams(new Embedding.Ngrams(List.of(2, 3), 16, 5, 3));
    return List.of(
        tokens("window", 1024, Embedding.plain(), leaving(with(first, norm), project), head),
        tokens("sharing", 1024, Embedding.plain(), leaving(plain, share), head),
        tokens("masking", 1024, ngrams, leaving(with(first, norm), mask), head),
        tokens("skipping", 1024, Embedding.plain(), Plan.of(plain, skipping, plain), head));
  }

  private static Block with(Attention attention, Norm norm) {
    return Block.of(Sublayer.preNorm(norm, attention), Sublayer.preNorm(norm, mixture()));
  }

  private static Plan leaving(Block block, Exit exit) {
    return Plan.builder().add(block).add(exit).add(block).add(block).build();
  }

  private static ModelSpec tokens(String name, Embedding embedding, Plan plan, Head head) {
    return tokens(name, MOST_ROWS, embedding, plan, head);
  }

  private static ModelSpec tokens(
      String name, int most, Embedding embedding, Plan plan, Head head) {
    return new ModelSpec(name, WIDTH, new Input.Tokens(20, most), embedding, plan, head);
  }

  private static Mixture mixture() {
    return new Mixture(4, FeedForward.plain(7, Activation.SILU), Routers.mixtral(2));
  }

  private static ModelSpec freezing(
      Input input, Embedding embedding, Attention attention, Operation rowwise) {
    Norm norm = new Norm.Layer(1e-5);
    Block block = Block.of(Sublayer.preNorm(norm, attention), Sublayer.preNorm(norm, rowwise));
    Head head = new Head(Head.Pool.EACH, norm, 3, true);
    Exit first = new Exit("first", head, Criterion.margin(), Bypass.FREEZE_PROJECT);
    Exit second = new Exit("second", head, Criterion.confidence(), Bypass.FREEZE_PROJECT);
    return new ModelSpec(
        "freezing",
        WIDTH,
        input,
        embedding,
        Plan.builder().add(block).add(first).add(block).add(second).add(block).build(),
        head);
  }

  /** Two token-wise blocks, an exit for the item between them, every head pools the mean. */
  public static ModelSpec pooled() {
    Norm norm = new Norm.Rms(1e-5);
    Block block = Block.of(Sublayer.preNorm(norm, FeedForward.plain(7, Activation.SILU)));
    Head head = new Head(Head.Pool.MEAN, norm, 3, true);
    Exit exit = new Exit("item", head, Criterion.entropy(), Bypass.TERMINATE);
    return new ModelSpec(
        "pooled",
        WIDTH,
        new Input.Tokens(20, MOST_ROWS),
        Embedding.plain(),
        Plan.builder().add(block).add(exit).add(block).build(),
        head);
  }

  /** Returns the description with every attention in a chain of merged rows, alike otherwise. */
  public static ModelSpec merging(ModelSpec spec, int size, int fine, List<Integer> kept) {
    return Rewrite.operations(
        spec,
        operation ->
            operation instanceof Attention
                ? new Chain.Merged(
                    size,
                    fine,
                    kept,
                    Chain.of(
                        Sublayer.preNorm(new Norm.Rms(1e-5), operation),
                        Sublayer.postNorm(
                            FeedForward.plain(5, Activation.GELU), new Norm.Layer(1e-5))))
                : operation);
  }

  /** Returns the weights of a description with some tensors replaced. */
  public static Weights changed(
      ModelSpec spec, Weights weights, BiFunction<String, Tensor, Tensor> change) {
    List<Tensor> tensors = new ArrayList<>();
    spec.parameters()
        .forEach(
            parameter ->
                tensors.add(change.apply(parameter.name(), weights.tensor(parameter.name()))));
    return MemoryWeights.of(tensors);
  }

  /** Returns a tensor like another with all numbers alike. */
  public static Tensor filled(Tensor like, float value) {
    float[] values = new float[Math.toIntExact(like.elements())];
    Arrays.fill(values, value);
    return MemoryWeights.tensor(like.name(), like.shape(), values);
  }

  /** Returns a tensor like another with every number multiplied. */
  public static Tensor scaled(Tensor like, float factor) {
    java.nio.FloatBuffer numbers = java.nio.FloatBuffer.allocate(Math.toIntExact(like.elements()));
    like.copyTo(numbers);
    float[] values = numbers.array();
    for (int i = 0; i < values.length; i++) {
      values[i] *= factor;
    }
    return MemoryWeights.tensor(like.name(), like.shape(), values);
  }
}
