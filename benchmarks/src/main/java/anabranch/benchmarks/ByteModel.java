package anabranch.benchmarks;

import anabranch.engine.Policy;
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
import anabranch.model.plan.Plan;
import anabranch.model.route.Routers;
import java.util.List;

/**
 * The trained model of the sample {@code surprise}, and the same without its exits. Said again
 * here, because a program of the samples would start with the benchmarks if they depended on it;
 * weights of another model do not fit. Stateless.
 */
final class ByteModel {
  private ByteModel() {}

  /** Returns the model with its exits {@code early} and {@code middle}. */
  static ModelSpec withExits() {
    Norm norm = new Norm.Layer(1e-5);
    Mixture experts =
        new Mixture(8, FeedForward.plain(256, Activation.RELU_SQUARED), Routers.switchTop1());
    Block block =
        Block.of(Sublayer.preNorm(norm, Attention.causal(4, 32)), Sublayer.preNorm(norm, experts));
    Head head = new Head(Head.Pool.EACH, norm, 256, true);
    return new ModelSpec(
        "surprise",
        128,
        new Input.Tokens(257, 128),
        Embedding.withPositions().withNgrams(new Embedding.Ngrams(List.of(2, 3, 4), 8192, 64, 256)),
        Plan.builder()
            .add(block)
            .add(block)
            .add(exit("early", head))
            .add(block)
            .add(block)
            .add(exit("middle", head))
            .add(block)
            .add(block)
            .build(),
        head);
  }

  private static Exit exit(String id, Head head) {
    return new Exit(id, head, Criterion.confidence(), Bypass.FREEZE_PROJECT);
  }

  /** Returns a model without its exits: one stage, and no head but the last. */
  static ModelSpec withoutExits(ModelSpec spec) {
    return new ModelSpec(
        spec.name() + "-without-exits",
        spec.width(),
        spec.input(),
        spec.embedding(),
        Plan.of(spec.plan().blocks()),
        spec.head());
  }

  /** Returns the policy with one threshold for each exit, in the order of the plan. */
  static Policy policy(ModelSpec spec, String name, double... thresholds) {
    Policy policy = Policy.named(name);
    for (int i = 0; i < thresholds.length; i++) {
      policy = policy.with(spec.plan().exits().get(i).id(), thresholds[i]);
    }
    return policy;
  }
}
