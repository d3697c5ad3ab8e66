package anabranch.engine;

import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.Event;
import anabranch.model.Embedding;
import anabranch.model.Encoder;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.facts.StageSpec;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Block;
import anabranch.model.layer.Bypass;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Operation;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Criterion;
import anabranch.model.plan.Exit;
import anabranch.model.plan.Head;
import anabranch.model.plan.Loop;
import anabranch.model.plan.Part;
import anabranch.model.plan.Plan;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Descriptions for scripted models: three blocks, exits "a" and "b" after the first two. */
public final class Scripts {
  public static final Operation CAUSAL = Attention.causal(1, 4);
  public static final Operation FULL = Attention.full(1, 4);
  public static final Operation ALONE = FeedForward.plain(4, Activation.RELU);

  private Scripts() {}

  /** Causal attention, rows leave and freeze. */
  public static ModelSpec causal() {
    return exits(CAUSAL, Head.Pool.EACH, Bypass.FREEZE_PROJECT);
  }

  /** Full attention, rows leave and freeze. */
  public static ModelSpec bidirectional() {
    return exits(FULL, Head.Pool.EACH, Bypass.FREEZE_PROJECT);
  }

  /** Full attention, whole items leave. */
  public static ModelSpec classifier() {
    return exits(FULL, Head.Pool.FIRST, Bypass.TERMINATE);
  }

  /** No attention, rows leave for good. */
  public static ModelSpec tokenwise() {
    return exits(ALONE, Head.Pool.EACH, Bypass.TERMINATE);
  }

  public static Policy both() {
    return Policy.named("both").with("a", 1).with("b", 1);
  }

  public static Item item(int... tokens) {
    return Item.of("item" + tokens[0], Event.ofTokens(tokens));
  }

  public static ModelSpec exits(Operation operation, Head.Pool pool, Bypass bypass) {
    return spec(
        pool,
        Plan.builder()
            .add(block(operation))
            .add(exit("a", pool, Criterion.confidence(), bypass))
            .add(block(operation))
            .add(exit("b", pool, Criterion.confidence(), bypass))
            .add(block(operation))
            .build());
  }

  public static ModelSpec spec(Head.Pool pool, Plan plan) {
    return new ModelSpec(
        "script", 4, new Input.Tokens(1000, 20), Embedding.plain(), plan, head(pool));
  }

  /** Returns a model with an encoder of full attention in which these parts stand. */
  public static ModelSpec reading(ModelSpec spec, Plan plan) {
    return spec.withEncoder(new Encoder(new Input.Tokens(1000, 8), Embedding.plain(), plan, null));
  }

  public static Block block(Operation operation) {
    return Block.of(Sublayer.preNorm(new Norm.Layer(1e-5), operation));
  }

  static Head head(Head.Pool pool) {
    return new Head(pool, null, 2, false);
  }

  public static Exit exit(String id, Head.Pool pool, Criterion criterion, Bypass bypass) {
    return new Exit(id, head(pool), criterion, bypass);
  }

  /** Returns a loop of the plan's block with that number, out of which units halt. */
  public static Loop loop(String halt, int block, int times, Head.Pool pool, Bypass bypass) {
    return new Loop(
        List.of(new Part.Run(block)),
        times,
        new Loop.Halt(halt, pool, Criterion.learned(), bypass));
  }

  /** Returns whether the attention of a stage reads earlier rows only. */
  static boolean causal(StageSpec stage) {
    return stage.blocks().stream()
        .flatMap(block -> block.operations().stream())
        .noneMatch(FULL::equals);
  }

  /** Waits for a latch, and not for ever. */
  public static void await(CountDownLatch latch) {
    try {
      assertTrue(latch.await(30, TimeUnit.SECONDS));
    } catch (InterruptedException stop) {
      throw new AssertionError(stop);
    }
  }
}
