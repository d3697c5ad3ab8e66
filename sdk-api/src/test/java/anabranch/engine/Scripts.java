package anabranch.engine;

import anabranch.backend.Event;
import anabranch.model.Activation;
import anabranch.model.Attention;
import anabranch.model.Block;
import anabranch.model.Embedding;
import anabranch.model.Exit;
import anabranch.model.FeedForward;
import anabranch.model.Head;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.Norm;
import anabranch.model.Operation;
import anabranch.model.Plan;
import anabranch.model.Sublayer;
import java.util.List;

/** Descriptions for scripted models: three blocks, exits "a" and "b" after the first two. */
final class Scripts {
  private Scripts() {}

  /** Causal attention, rows leave and freeze. */
  static ModelSpec causal() {
    return spec(Attention.causal(1, 4), Head.Pool.EACH, Exit.Bypass.FREEZE_PROJECT);
  }

  /** Full attention, rows leave and freeze. */
  static ModelSpec bidirectional() {
    return spec(Attention.full(1, 4), Head.Pool.EACH, Exit.Bypass.FREEZE_PROJECT);
  }

  /** Full attention, whole items leave. */
  static ModelSpec classifier() {
    return spec(Attention.full(1, 4), Head.Pool.FIRST, Exit.Bypass.TERMINATE);
  }

  /** No attention, rows leave for good. */
  static ModelSpec tokenwise() {
    return spec(FeedForward.plain(4, Activation.RELU), Head.Pool.EACH, Exit.Bypass.TERMINATE);
  }

  static Policy both() {
    return Policy.named("both").with("a", 1).with("b", 1);
  }

  static Item item(int... tokens) {
    return Item.of("item" + tokens[0], Event.ofTokens(tokens));
  }

  private static ModelSpec spec(Operation operation, Head.Pool pool, Exit.Bypass bypass) {
    Block block = Block.of(Sublayer.preNorm(new Norm.Layer(1e-5), operation));
    Head head = new Head(pool, null, 2, false);
    Exit a = new Exit("a", head, Exit.Criterion.confidence(), bypass);
    Exit b = new Exit("b", head, Exit.Criterion.confidence(), bypass);
    return new ModelSpec(
        "script",
        4,
        new Input.Tokens(1000, 20),
        Embedding.plain(),
        new Plan(List.of(block, a, block, b, block)),
        head);
  }
}
