package anabranch.model;

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
import anabranch.model.plan.Plan;
import anabranch.model.route.Capacity;
import anabranch.model.route.Gate;
import anabranch.model.route.Logits;
import anabranch.model.route.Placement;
import anabranch.model.route.Preference;
import anabranch.model.route.Router;
import anabranch.model.route.Routers;
import anabranch.model.route.Score;
import anabranch.model.route.Selection;
import anabranch.model.route.Source;
import java.util.List;
import java.util.stream.Stream;

/** Descriptions that several tests share. */
public final class SampleSpecs {
  private SampleSpecs() {}

  /** Returns descriptions that together hold every record and every constant of the language. */
  public static List<ModelSpec> all() {
    return Stream.concat(
            Stream.of(
                bytes(),
                features(),
                everything(),
                SampleRouters.mixtures(),
                SampleAttentions.attentions()),
            SamplePlans.all().stream())
        .toList();
  }

  /** A byte model with six blocks of attention and eight experts, and two exits. */
  public static ModelSpec bytes() {
    Norm norm = new Norm.Layer(1e-5);
    FeedForward expert = FeedForward.plain(256, Activation.RELU_SQUARED);
    Block block =
        Block.of(
            Sublayer.preNorm(norm, Attention.causal(4, 32)),
            Sublayer.preNorm(norm, new Mixture(8, expert, Routers.switchTop1())));
    Head head = new Head(Head.Pool.EACH, norm, 256, true);
    Plan.Builder plan = Plan.builder();
    for (int depth = 1; depth <= 6; depth++) {
      plan.add(block);
      if (depth == 2 || depth == 4) {
        plan.add(new Exit("after" + depth, head, Criterion.confidence(), Bypass.FREEZE_PROJECT));
      }
    }
    return new ModelSpec(
        "bytes",
        128,
        new Input.Tokens(257, 128),
        Embedding.withPositions().withNgrams(new Embedding.Ngrams(List.of(2, 3, 4), 8192, 64, 256)),
        plan.build(),
        head);
  }

  /** A classifier of feature rows, without anything that may be left out. */
  public static ModelSpec features() {
    return new ModelSpec(
        "features",
        4,
        new Input.Features(3, 9),
        Embedding.plain(),
        Plan.of(
            Block.of(new Sublayer("mlp", null, FeedForward.plain(8, Activation.GELU), null, null))),
        new Head(Head.Pool.MEAN, null, 2, false));
  }

  /** A classifier of tokens with everything in it that may be left out. */
  public static ModelSpec everything() {
    Router grouped =
        new Router(
            Source.HIDDEN,
            new Logits.Linear(true),
            Score.SIGMOID,
            new Preference(true, new Preference.Groups(4, 2, 2, true)),
            new Selection.TopK(3),
            new Gate(Gate.Of.SCORE, new Gate.Normalise(1e-20), 2.5),
            new Capacity.Unlimited(),
            Placement.INPUT);
    FeedForward gated = FeedForward.gated(12, Activation.SILU).withBias();
    Block first =
        Block.of(
            new Sublayer(
                "mixer",
                new Norm.Layer(1e-5),
                Attention.causal(4, 2).withKeyValueHeads(2).withRotary(10_000).withBias(),
                new Norm.Rms(1e-6),
                new Norm.Layer(1e-12)),
            Sublayer.postNorm(new Mixture(8, gated, grouped), new Norm.Rms(1e-6)));
    Block second =
        Block.of(
            Sublayer.preNorm(
                new Norm.Rms(3e-6), new Mixture(6, gated, Routers.hash(Long.MIN_VALUE))));
    Exit exit =
        new Exit(
            "early",
            new Head(Head.Pool.LAST, new Norm.Rms(1e-6), 5, true),
            Criterion.entropy(),
            Bypass.TERMINATE);
    return new ModelSpec(
        "everything",
        8,
        new Input.Tokens(50, 20),
        new Embedding(true, new Embedding.Ngrams(List.of(3, 2), 64, 4, 0), new Norm.Layer(1e-5)),
        Plan.builder().add(first).add(exit).add(second).build(),
        new Head(Head.Pool.FIRST, null, 5, false));
  }
}
