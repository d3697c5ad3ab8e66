package anabranch.samples.sequences;

import anabranch.backend.Event;
import anabranch.backend.LoadOptions;
import anabranch.engine.Backends;
import anabranch.engine.Engine;
import anabranch.engine.Inference;
import anabranch.engine.Item;
import anabranch.engine.Policy;
import anabranch.model.Embedding;
import anabranch.model.Encoder;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Block;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Head;
import anabranch.model.plan.Plan;
import anabranch.weights.Weights;

/**
 * Two models around a memory of one size: one answers a query while it reads the slots, the other
 * makes new slots of the old ones, the query and the answer. Any thread.
 */
final class SlotMemory implements AutoCloseable {
  static final int WIDTH = 8;
  static final int SLOTS = 4;
  private static final int VOCABULARY = 40;
  private static final int MOST_TOKENS = 8;
  private static final Norm NORM = new Norm.Layer(1e-5);
  private static final Input TOKENS = new Input.Tokens(VOCABULARY, MOST_TOKENS);
  private static final Input MEMORY = new Input.Features(WIDTH, SLOTS);

  private final Engine answering = open(answers());
  private final Engine writing = open(writes());

  private static Engine open(ModelSpec spec) {
    return Engine.open(
        Backends.named("onnx").load(spec, Weights.random(spec, 5), LoadOptions.defaults()),
        Policy.fullDepth());
  }

  /** Answers a query of tokens with a token each, and the logits that they come from. */
  Inference answer(float[] slots, int... query) {
    return answering.infer(
        Item.of("query", Event.ofTokens(query)).reading(Event.ofFeatures(WIDTH, slots)));
  }

  /** Returns the slots after a query and its answer. */
  float[] write(float[] slots, Inference answer, int... query) {
    int[] exchange = new int[2 * query.length];
    for (int n = 0; n < query.length; n++) {
      exchange[n] = query[n];
      exchange[query.length + n] = answer.label(n);
    }
    Inference written =
        writing.infer(
            Item.of("slots", Event.ofFeatures(WIDTH, slots)).reading(Event.ofTokens(exchange)));
    float[] next = new float[slots.length];
    for (int slot = 0; slot < SLOTS; slot++) {
      written.logits(slot).get(next, slot * WIDTH, WIDTH);
    }
    return next;
  }

  @Override
  public void close() {
    answering.close();
    writing.close();
  }

  private static ModelSpec answers() {
    return new ModelSpec(
        "answers",
        WIDTH,
        new Encoder(MEMORY, Embedding.plain(), Plan.of(feedForward()), null),
        TOKENS,
        Embedding.withPositions(),
        Plan.of(reading(Attention.causal(2, 4))),
        head(VOCABULARY));
  }

  private static ModelSpec writes() {
    return new ModelSpec(
        "writes",
        WIDTH,
        new Encoder(TOKENS, Embedding.withPositions(), Plan.of(feedForward()), null),
        MEMORY,
        Embedding.plain(),
        Plan.of(reading(Attention.full(2, 4))),
        head(WIDTH));
  }

  private static Block reading(Attention own) {
    return Block.of(
        Sublayer.preNorm(NORM, own),
        new Sublayer("slots", NORM, Attention.memory(2, 4), null, null),
        Sublayer.preNorm(NORM, FeedForward.plain(16, Activation.GELU)));
  }

  private static Block feedForward() {
    return Block.of(Sublayer.preNorm(NORM, FeedForward.plain(16, Activation.GELU)));
  }

  private static Head head(int outputs) {
    return new Head(Head.Pool.EACH, NORM, outputs, true);
  }
}
