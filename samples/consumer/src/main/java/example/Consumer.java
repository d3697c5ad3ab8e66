package example;

import anabranch.backend.Event;
import anabranch.backend.LoadOptions;
import anabranch.engine.Backends;
import anabranch.engine.Engine;
import anabranch.engine.Inference;
import anabranch.engine.Item;
import anabranch.engine.Policy;
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
import anabranch.model.route.Routers;
import anabranch.weights.Weights;
import java.util.List;

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
    Exit early = new Exit("early", head, Exit.Criterion.confidence(), Exit.Bypass.FREEZE_PROJECT);
    ModelSpec spec =
        new ModelSpec(
            "consumer",
            32,
            new Input.Tokens(10, 16),
            Embedding.withPositions(),
            new Plan(List.of(block, early, block)),
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
