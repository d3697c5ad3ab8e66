package anabranch.benchmarks;

import anabranch.backend.Event;
import anabranch.backend.LoadOptions;
import anabranch.backend.LoadedModel;
import anabranch.benchmarks.measure.Contest;
import anabranch.benchmarks.measure.Memory;
import anabranch.engine.Backends;
import anabranch.engine.Engine;
import anabranch.engine.EngineOptions;
import anabranch.engine.Inference;
import anabranch.engine.Item;
import anabranch.engine.Policy;
import anabranch.model.Embedding;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Block;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Head;
import anabranch.model.plan.Plan;
import anabranch.weights.Weights;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/**
 * What it takes to put another model in service while items keep coming: models of one description
 * and other weights, one after the other. Every answer is compared with all others that name the
 * same version, and memory is read once the former model is gone.
 */
final class Swaps {
  private static final int WIDTH = 512;
  private static final int ROWS = 8;
  private static final int KINDS = 16;
  private static final int ON_THEIR_WAY = 64;

  private final String backend;
  private final int swaps;
  private final ModelSpec spec;
  private final Consumer<String> out;
  private final Map<String, float[]> said = new TreeMap<>();
  private final Map<String, Long> answered = new TreeMap<>();
  private final List<Path> files = new ArrayList<>();
  private volatile boolean over;
  private long submitted;

  private Swaps(String backend, int swaps, int layers, Consumer<String> out) {
    this.backend = backend;
    this.swaps = swaps;
    this.out = out;
    Norm norm = new Norm.Rms(1e-5);
    Block layer =
        Block.of(Sublayer.preNorm(norm, FeedForward.plain(4 * WIDTH, Activation.GELU_TANH)));
    spec =
        new ModelSpec(
            "swapped",
            WIDTH,
            new Input.Tokens(KINDS, ROWS),
            Embedding.plain(),
            Plan.of(Collections.nCopies(layers, layer)),
            new Head(Head.Pool.MEAN, norm, 4, false));
  }

  /** Swaps that often and reports line by line. */
  static void run(String backend, int swaps, int layers, Consumer<String> out) {
    new Swaps(backend, swaps, layers, out).measure();
  }

  private LoadedModel load(int seed) {
    return Backends.named(backend).load(spec, Weights.random(spec, seed), LoadOptions.defaults());
  }

  private void measure() {
    long[] memory = new long[swaps + 1];
    double[] millis = new double[swaps];
    Thread load;
    try (Engine engine =
        Engine.open(load(0), Policy.fullDepth(), EngineOptions.defaults().withBatchRows(64))) {
      load = new Thread(() -> submit(engine), "load");
      load.start();
      for (int swap = 1; swap <= swaps; swap++) {
        LoadedModel next = load(swap);
        long start = System.nanoTime();
        engine.swap("v" + swap, next, Policy.fullDepth()).join();
        millis[swap - 1] = (System.nanoTime() - start) / 1e6;
        memory[swap] = Memory.anonymousBytes() >> 20;
      }
      over = true;
      join(load);
    }
    long all = answered.values().stream().mapToLong(Long::longValue).sum();
    out.accept(
        String.format(
            Locale.ROOT,
            "%d swaps under load: %d items submitted, %d answered, by %d versions, each alike; "
                + "median %.1f ms until the former model was gone",
            swaps,
            submitted,
            all,
            answered.size(),
            Contest.median(millis)));
    if (submitted != all) {
      throw new AssertionError(submitted + " submitted, " + all + " answered");
    }
    int from = Math.min(2, swaps);
    double ratio = memory[swaps] / (double) memory[from];
    out.accept(
        String.format(
            Locale.ROOT,
            "swaps.memory ratio=%.3f goal<=1.05 %s: %d MB of anonymous memory after swap %d, %d "
                + "after swap %d; %s",
            ratio,
            memory[from] == 0 ? "unmeasured" : ratio <= 1.05 ? "pass" : "fail",
            memory[from],
            from,
            memory[swaps],
            swaps,
            Arrays.toString(memory)));
  }

  private void submit(Engine engine) {
    Deque<CompletableFuture<Inference>> open = new ArrayDeque<>();
    while (!over) {
      if (open.size() == ON_THEIR_WAY) {
        take(open.remove().join());
      }
      int kind = (int) (submitted++ % KINDS);
      int[] tokens = new int[ROWS];
      Arrays.fill(tokens, kind);
      open.add(engine.submit(Item.of("kind" + kind, Event.ofTokens(tokens))));
    }
    open.forEach(answer -> take(answer.join()));
  }

  private static void join(Thread thread) {
    try {
      thread.join();
    } catch (InterruptedException stop) {
      Thread.currentThread().interrupt();
    }
  }

  /** Counts an answer; fails if its version said something else before. */
  private void take(Inference answer) {
    float[] logits = new float[answer.outputs()];
    answer.logits(0).get(logits);
    String who = answer.version() + " " + answer.item();
    float[] before = said.putIfAbsent(who, logits);
    if (before != null && !Arrays.equals(before, logits)) {
      throw new AssertionError(who + " answers in two ways");
    }
    answered.merge(answer.version(), 1L, Long::sum);
  }
}
