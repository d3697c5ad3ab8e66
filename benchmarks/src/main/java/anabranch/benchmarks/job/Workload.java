package anabranch.benchmarks.job;

import anabranch.backend.Event;
import anabranch.backend.LoadOptions;
import anabranch.engine.EngineOptions;
import anabranch.engine.Inference;
import anabranch.engine.Policy;
import anabranch.flink.model.ModelRecipe;
import anabranch.model.Embedding;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Block;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Head;
import anabranch.model.plan.Plan;
import anabranch.model.route.Routers;
import anabranch.weights.Weights;
import java.time.Duration;
import java.util.List;

/**
 * The rows of these measurements and the models that answer them: which key and which token a
 * number stands for, and what is remembered of its answer. Stateless.
 */
final class Workload {
  /** Width of the layer: keys and values of a row have 4 KB. */
  static final int WIDTH = 512;

  /** Rows of a sequence, so that what is kept of a key is 64 KB in the mean. */
  static final int LENGTH = 32;

  /** The pages of the identity: 64 KB. */
  static final int PAGES = 16;

  /** For sequences that do not end. */
  static final int ENDLESS = 1 << 20;

  private static final int VOCABULARY = 1024;

  /** Without it a model that takes no time is woken for each row. */
  static final Duration LINGER = Duration.ofMillis(5);

  private Workload() {}

  /**
   * One layer: causal attention, 2 of 8 experts.
   *
   * @param length most rows of a sequence
   */
  static ModelSpec routed(int length) {
    Norm norm = new Norm.Rms(1e-5);
    Block block =
        Block.of(
            Sublayer.preNorm(norm, Attention.causal(8, WIDTH / 8)),
            Sublayer.preNorm(
                norm,
                new Mixture(8, FeedForward.plain(2 * WIDTH, Activation.RELU), Routers.mixtral(2))));
    return new ModelSpec(
        "routed",
        WIDTH,
        new Input.Tokens(VOCABULARY, length),
        Embedding.plain(),
        Plan.of(block),
        new Head(Head.Pool.EACH, norm, 4, false));
  }

  /** A model that keeps nothing. */
  static ModelSpec stateless() {
    Norm norm = new Norm.Rms(1e-5);
    return new ModelSpec(
        "stateless",
        8,
        new Input.Tokens(VOCABULARY, 1),
        Embedding.plain(),
        Plan.of(Block.of(Sublayer.preNorm(norm, FeedForward.plain(8, Activation.RELU)))),
        new Head(Head.Pool.EACH, norm, 4, false));
  }

  /**
   * Returns how a model is loaded.
   *
   * @param linger how long a batch waits for company: not at all where few keys have most rows
   * @param pages what the identity keeps of a key, in pages of 4 KB
   */
  static ModelRecipe recipe(String backend, ModelSpec spec, int batch, Duration linger, int pages) {
    ModelRecipe recipe =
        ModelRecipe.of(backend, spec, model -> Weights.random(model, 1))
            .withPolicy(Policy.fullDepth())
            .withEngineOptions(options(batch, linger));
    return backend.equals("identity") ? recipe.withLoadOptions(load(backend, pages)) : recipe;
  }

  static EngineOptions options(int batch, Duration linger) {
    return EngineOptions.defaults()
        .withBatchRows(batch)
        .withLinger(linger)
        .withQueueItems(4 * batch);
  }

  static LoadOptions load(String backend, int pages) {
    LoadOptions options = LoadOptions.defaults();
    return backend.equals("identity")
        ? options.with(IdentityBackend.PAGES, String.valueOf(pages))
        : options;
  }

  static Event event(long number) {
    return Event.ofTokens((int) (mix(number) >>> 54));
  }

  static List<Event> events(long number) {
    return List.of(event(number));
  }

  /** Returns what is remembered of an answer; sums of it do not depend on the order of answers. */
  static long result(long number, Inference answer) {
    long bits = number;
    for (int i = 0; i < answer.outputs(); i++) {
      bits = mix(bits + Float.floatToRawIntBits(answer.logits(0).get(i)));
    }
    return bits;
  }

  static long mix(long value) {
    long h = value + 0x9e3779b97f4a7c15L;
    h = (h ^ (h >>> 30)) * 0xbf58476d1ce4e5b9L;
    h = (h ^ (h >>> 27)) * 0x94d049bb133111ebL;
    return h ^ (h >>> 31);
  }
}
