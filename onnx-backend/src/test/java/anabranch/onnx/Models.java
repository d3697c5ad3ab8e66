package anabranch.onnx;

import anabranch.model.Embedding;
import anabranch.model.Encoder;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Block;
import anabranch.model.layer.Bypass;
import anabranch.model.layer.Chain;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Operation;
import anabranch.model.layer.Recurrence;
import anabranch.model.layer.Skip;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Criterion;
import anabranch.model.plan.DepthChoice;
import anabranch.model.plan.Exit;
import anabranch.model.plan.Head;
import anabranch.model.plan.Loop;
import anabranch.model.plan.Part;
import anabranch.model.plan.Plan;
import anabranch.model.plan.Prune;
import anabranch.model.route.Preference;
import anabranch.model.route.Routers;
import java.util.List;

/** Descriptions that the tests of this module share. */
public final class Models {
  private static final Norm RMS = new Norm.Rms(1e-5);
  private static final Norm LAYER = new Norm.Layer(1e-5);

  private Models() {}

  /** A dense causal model: grouped heads, rotary positions, gated networks. */
  public static ModelSpec causal() {
    Attention attention = Attention.causal(6, 4).withKeyValueHeads(2).withRotary(100);
    Block block =
        Block.of(
            Sublayer.preNorm(RMS, attention),
            Sublayer.preNorm(RMS, FeedForward.gated(20, Activation.SILU)));
    return new ModelSpec(
        "causal",
        12,
        new Input.Tokens(31, 300),
        Embedding.plain(),
        Plan.of(block, block),
        new Head(Head.Pool.EACH, RMS, 31, false));
  }

  /** A causal mixture whose rows may leave twice; n-grams. */
  public static ModelSpec exits() {
    Block first =
        Block.of(
            Sublayer.preNorm(RMS, Attention.causal(2, 8).withRotary(1000)),
            Sublayer.preNorm(RMS, new Mixture(5, network(), Routers.mixtral(2))));
    Preference.Groups groups = new Preference.Groups(2, 1, 2, false);
    Block second =
        Block.of(
            Sublayer.preNorm(RMS, Attention.causal(2, 8).withBias()),
            new Sublayer(
                "mixture",
                RMS,
                new Mixture(6, network(), Routers.deepseekV3(2, groups, 1.5)),
                RMS,
                RMS));
    Block third =
        Block.of(
            Sublayer.postNorm(Attention.causal(2, 8), LAYER),
            Sublayer.postNorm(new Mixture(3, network(), Routers.hash(7)), LAYER));
    return new ModelSpec(
        "exits",
        16,
        new Input.Tokens(40, 300),
        Embedding.withPositions().withNgrams(new Embedding.Ngrams(List.of(2, 3), 32, 6, 0)),
        Plan.builder()
            .add(first)
            .add(exit("early", Criterion.confidence()))
            .add(second)
            .add(exit("late", Criterion.entropy()))
            .add(third)
            .build(),
        new Head(Head.Pool.EACH, null, 9, false));
  }

  /** A bidirectional classifier of feature rows whose items may leave. */
  public static ModelSpec classifier() {
    Block block =
        Block.of(
            Sublayer.postNorm(Attention.full(2, 5).withBias(), LAYER),
            Sublayer.postNorm(FeedForward.plain(11, Activation.GELU).withBias(), LAYER));
    Head head = new Head(Head.Pool.MEAN, LAYER, 3, true);
    Exit exit = new Exit("early", head, Criterion.margin(), Bypass.TERMINATE);
    return new ModelSpec(
        "classifier",
        10,
        new Input.Features(7, 300),
        new Embedding(true, null, LAYER),
        Plan.builder().add(block).add(exit).add(block).build(),
        head);
  }

  /**
   * A causal model whose rows may jump over attention, a chain and a network, with recurrences,
   * blocks that run again and side by side, and a head with a body; nothing reads later rows.
   */
  public static ModelSpec skips() {
    Attention attention = Attention.causal(2, 6).withRotary(100);
    Block jumps =
        Block.of(
            Sublayer.preNorm(RMS, gate(attention, Bypass.FREEZE_PROJECT)),
            Sublayer.preNorm(RMS, new Recurrence(10, 3, 4, 2)),
            new Sublayer("network", RMS, gate(network(), Bypass.MASK), null, null));
    Chain chain =
        Chain.of(
            Sublayer.preNorm(RMS, attention),
            Sublayer.preNorm(RMS, new Mixture(3, network(), Routers.adaptiveComputation(true))));
    Block chained = Block.of(new Sublayer("skip", RMS, gate(chain, Bypass.MASK), LAYER, null));
    Plan.Builder plan = Plan.builder().add(jumps).add(exit("early", Criterion.learned()));
    int stored = plan.store(chained);
    plan.add(new Part.Mean(List.of(0, stored)));
    plan.add(new Loop(List.of(new Part.Run(stored)), 2, null));
    return new ModelSpec(
        "skips",
        12,
        new Input.Tokens(23, 300),
        Embedding.plain(),
        plan.build(),
        new Head(Head.Pool.EACH, RMS, 9, false)
            .withBody(Block.of(Sublayer.preNorm(RMS, new Recurrence(4, 2, 2, 1))))
            .withHidden(8, Activation.TANH));
  }

  /** Records that read the memory of an encoder; a choice of depth, a prune and a halt. */
  public static ModelSpec encoded() {
    Block reads =
        Block.of(
            Sublayer.preNorm(RMS, Attention.full(2, 4)),
            new Sublayer("memory", RMS, Attention.memory(2, 4), null, null),
            Sublayer.preNorm(RMS, new Mixture(4, network(), Routers.switchTop1(), true)));
    Head head = new Head(Head.Pool.MEAN, LAYER, 3, true);
    Exit exit = new Exit("told", head, Criterion.chosen(), Bypass.TERMINATE);
    Loop.Halt halt =
        new Loop.Halt("halt", Head.Pool.MEAN, Criterion.saturation(), Bypass.TERMINATE);
    Plan.Builder plan =
        Plan.builder()
            .add(new DepthChoice("depth", DepthChoice.From.MEMORY, Head.Pool.MEAN, true))
            .add(reads)
            .add(exit)
            .add(new Loop(List.of(new Part.Run(0)), 2, halt))
            .add(new Part.Run(0))
            .add(new Prune("prune", Criterion.Score.ATTENTION_RECEIVED, List.of(0)))
            .add(new Part.Run(0));
    Block own = Block.of(Sublayer.postNorm(Attention.full(2, 4), LAYER));
    Exit left = new Exit("left", null, Criterion.learned(), Bypass.TERMINATE);
    Plan encoding = Plan.builder().add(own).add(left).add(own).build();
    Input.Records records =
        new Input.Records(
            List.of(new Input.Field.Numeric("size"), new Input.Field.Category("kind", 4, 0)), 40);
    return new ModelSpec(
        "encoded",
        12,
        new Encoder(new Input.Tokens(11, 40), Embedding.withPositions(), encoding, RMS),
        records,
        Embedding.plain(),
        plan.build(),
        head);
  }

  /** All of them. */
  public static List<ModelSpec> all() {
    return List.of(causal(), exits(), classifier(), skips(), encoded());
  }

  private static Skip gate(Operation operation, Bypass keys) {
    return new Skip(Routers.mixtureOfDepthsCausal(), operation, keys);
  }

  private static Exit exit(String id, Criterion criterion) {
    Head head = new Head(Head.Pool.EACH, RMS, 9, false);
    return new Exit(id, head, criterion, Bypass.FREEZE_PROJECT);
  }

  private static FeedForward network() {
    return FeedForward.plain(24, Activation.RELU);
  }
}
