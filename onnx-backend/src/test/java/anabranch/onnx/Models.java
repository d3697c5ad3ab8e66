package anabranch.onnx;

import anabranch.model.Activation;
import anabranch.model.Attention;
import anabranch.model.Block;
import anabranch.model.Embedding;
import anabranch.model.Exit;
import anabranch.model.FeedForward;
import anabranch.model.Head;
import anabranch.model.Input;
import anabranch.model.Mixture;
import anabranch.model.ModelSpec;
import anabranch.model.Norm;
import anabranch.model.Plan;
import anabranch.model.Sublayer;
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
        new Plan(List.of(block, block)),
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
        new Plan(
            List.of(
                first,
                exit("early", Exit.Criterion.confidence()),
                second,
                exit("late", Exit.Criterion.entropy()),
                third)),
        new Head(Head.Pool.EACH, null, 9, false));
  }

  /** A bidirectional classifier of feature rows whose items may leave. */
  public static ModelSpec classifier() {
    Block block =
        Block.of(
            Sublayer.postNorm(Attention.full(2, 5).withBias(), LAYER),
            Sublayer.postNorm(FeedForward.plain(11, Activation.GELU).withBias(), LAYER));
    Head head = new Head(Head.Pool.MEAN, LAYER, 3, true);
    Exit exit = new Exit("early", head, Exit.Criterion.margin(), Exit.Bypass.TERMINATE);
    return new ModelSpec(
        "classifier",
        10,
        new Input.Features(7, 300),
        new Embedding(true, null, LAYER),
        new Plan(List.of(block, exit, block)),
        head);
  }

  /** All of them. */
  public static List<ModelSpec> all() {
    return List.of(causal(), exits(), classifier());
  }

  private static Exit exit(String id, Exit.Criterion criterion) {
    Head head = new Head(Head.Pool.EACH, RMS, 9, false);
    return new Exit(id, head, criterion, Exit.Bypass.FREEZE_PROJECT);
  }

  private static FeedForward network() {
    return FeedForward.plain(24, Activation.RELU);
  }
}
