package example;

import anabranch.backend.Event;
import anabranch.backend.LoadOptions;
import anabranch.engine.Backends;
import anabranch.engine.Engine;
import anabranch.engine.Inference;
import anabranch.engine.Item;
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
import anabranch.weights.Weights;

/**
 * Describes a small routed model, gives it random weights and asks it one question; fails if Kotlin
 * is on the class path, because an application in Java needs none.
 */
public final class Consumer {
  private Consumer() {}

  public static void main(String[] args) {
    requireNoKotlin();
    Norm norm = new Norm.Layer(1e-5);
    Mixture experts = new Mixture(4, FeedForward.plain(64, Activation.RELU), Routers.mixtral(2));
    Block block =
        Block.of(
            Sublayer.preNorm(norm, Attention.causal(2, 16)), Sublayer.preNorm(norm, experts));
    Head head = new Head(Head.Pool.EACH, norm, 10, true);
    Exit early = new Exit("early", head, Criterion.confidence(), Bypass.FREEZE_PROJECT);
    ModelSpec spec =
        new ModelSpec(
            "consumer",
            32,
            new Input.Tokens(10, 16),
            Embedding.withPositions(),
            Plan.builder().add(block).add(early).add(block).build(),
            head);
    try (Weights weights = Weights.random(spec, 1);
        Engine engine =
            Engine.open(
                Backends.named("onnx").load(spec, weights, LoadOptions.defaults()),
                Policy.named("half").with("early", 0.35))) {
      Inference answer = engine.infer(Item.of("digits", Event.ofTokens(3, 1, 4, 1, 5, 9)));
      for (int row = 0; row < answer.units(); row++) {
        System.out.println(
            "row " + row + " ran " + answer.depth(row) + " of 2 blocks and says " + answer.label(row));
      }
      System.out.println("computed on " + answer.numerics().device());
    }
  }

  private static void requireNoKotlin() {
    try {
      Class.forName("kotlin.Unit");
    } catch (ClassNotFoundException none) {
      System.out.println("no Kotlin on the class path");
      return;
    }
    throw new IllegalStateException("Kotlin is on the class path");
  }
}
