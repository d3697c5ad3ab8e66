package anabranch.benchmarks;

import anabranch.backend.Event;
import anabranch.backend.LoadOptions;
import anabranch.engine.Backends;
import anabranch.engine.Engine;
import anabranch.engine.EngineOptions;
import anabranch.engine.Inference;
import anabranch.engine.Item;
import anabranch.engine.Policy;
import anabranch.engine.schedule.Mode;
import anabranch.model.Embedding;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Block;
import anabranch.model.layer.Bypass;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Criterion;
import anabranch.model.plan.Exit;
import anabranch.model.plan.Head;
import anabranch.model.plan.Plan;
import anabranch.weights.Weights;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/**
 * What it is worth to gather survivors of many records into batches anew: records of 8 rows through
 * 8 residual layers in 4 segments, of which a share leaves behind each of the first three, at most
 * 64 rows in a call, 64 records on their way. Who leaves where is drawn and forced, so that all
 * sides answer the same; they run in turn on one lane and one thread.
 */
final class Rebatch {
  private static final int ROWS = 8;
  private static final int BATCH_ROWS = 64;
  private static final int ON_THEIR_WAY = 64;
  private static final int RECORDS = 512;
  private static final int WIDTH = 256;
  private static final int SEGMENTS = 4;
  private static final int VOCABULARY = 64;
  private static final double[] LEAVE = {0.25, 0.5};

  private final Consumer<String> out;
  private final int rounds;
  private final String backend;
  private final Weights weights;

  private Rebatch(String backend, int rounds, Consumer<String> out) {
    this.backend = backend;
    this.rounds = rounds;
    this.out = out;
    weights = Weights.random(spec(), 1);
  }

  /** Measures and reports line by line. */
  static void run(String backend, int rounds, Consumer<String> out) {
    Rebatch rebatch = new Rebatch(backend, rounds, out);
    for (double leave : LEAVE) {
      rebatch.measure(leave);
    }
  }

  private static ModelSpec spec() {
    Norm norm = new Norm.Rms(1e-5);
    Block layer =
        Block.of(Sublayer.preNorm(norm, FeedForward.plain(4 * WIDTH, Activation.GELU_TANH)));
    Head head = new Head(Head.Pool.MEAN, norm, 4, false);
    Plan.Builder plan = Plan.builder();
    for (int segment = 0; segment < SEGMENTS; segment++) {
      plan.add(layer).add(layer);
      if (segment < SEGMENTS - 1) {
        plan.add(new Exit("exit" + segment, head, Criterion.confidence(), Bypass.TERMINATE));
      }
    }
    return new ModelSpec(
        "rebatch",
        WIDTH,
        new Input.Tokens(VOCABULARY, ROWS),
        Embedding.plain(),
        plan.build(),
        head);
  }

  private Engine open(Mode mode) {
    return Engine.open(
        Backends.named(backend).load(spec(), weights, LoadOptions.defaults()),
        Policy.fullDepth(),
        EngineOptions.defaults().withBatchRows(BATCH_ROWS).withMode(mode));
  }

  private static List<Item> records(double leave, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    List<Item> items = new ArrayList<>();
    for (int n = 0; n < RECORDS; n++) {
      int[] tokens = random.ints(ROWS, 0, VOCABULARY).toArray();
      int step = 0;
      while (step < SEGMENTS - 1 && random.nextDouble() >= leave) {
        step++;
      }
      items.add(Item.of("record" + n, Event.ofTokens(tokens)).withForcedExits(List.of(step)));
    }
    return items;
  }

  private void measure(double leave) {
    List<Item> leaving = records(leave, 7);
    List<Item> staying =
        leaving.stream().map(item -> item.withForcedExits(List.of(SEGMENTS - 1))).toList();
    double ran = leaving.stream().mapToInt(item -> item.forcedExits().get(0) + 1).sum();
    double predicted = SEGMENTS * RECORDS / ran;
    try (Engine compact = open(Mode.COMPACT);
        Engine adaptive = open(Mode.ADAPTIVE)) {
      List<Inference> one = saturated(compact, leaving);
      List<Inference> two = saturated(adaptive, leaving);
      requireSame(one, two);
      Map<String, Runnable> sides = new LinkedHashMap<>();
      sides.put("FULL", () -> saturated(compact, staying));
      sides.put("COMPACT", () -> saturated(compact, leaving));
      sides.put("ADAPTIVE", () -> saturated(adaptive, leaving));
      Contest contest = new Contest();
      sides.forEach(contest::side);
      Map<String, Contest.Times> times = contest.run(3, rounds);
      Contest.Times full = times.get("FULL");
      double more = times.get("COMPACT").speedUpOver(full);
      double most = times.get("ADAPTIVE").speedUpOver(full);
      line(
          "%.0f %% leave behind each segment, saturated: FULL %.0f records/s, COMPACT %.3f, "
              + "ADAPTIVE %.3f of a predicted %.3f (%.3f), ADAPTIVE / COMPACT %.3f",
          100 * leave,
          RECORDS / (full.median() / 1e9),
          more,
          most,
          predicted,
          most / predicted,
          times.get("ADAPTIVE").speedUpOver(times.get("COMPACT")));
      double gap = full.median() / (double) RECORDS;
      for (double load : new double[] {0.7, 0.95}) {
        latency("FULL", compact, staying, gap / load, load);
        latency("COMPACT", compact, leaving, gap / load, load);
        latency("ADAPTIVE", adaptive, leaving, gap / load, load);
      }
    }
  }

  /** Answers all records with a fixed number on their way. */
  private static List<Inference> saturated(Engine engine, List<Item> items) {
    Deque<CompletableFuture<Inference>> open = new ArrayDeque<>();
    List<Inference> answers = new ArrayList<>(items.size());
    for (Item item : items) {
      if (open.size() == ON_THEIR_WAY) {
        answers.add(open.remove().join());
      }
      open.add(engine.submit(item));
    }
    open.forEach(answer -> answers.add(answer.join()));
    return answers;
  }

  /** Says how long records take that arrive at random. */
  private void latency(String name, Engine engine, List<Item> items, double gap, double load) {
    SplittableRandom random = new SplittableRandom(11);
    List<CompletableFuture<Inference>> answers = new ArrayList<>();
    double next = System.nanoTime();
    for (Item item : items) {
      next += -gap * Math.log(1 - random.nextDouble());
      while (System.nanoTime() < next) {
        Thread.onSpinWait();
      }
      answers.add(engine.submit(item));
    }
    List<Inference> all = answers.stream().map(CompletableFuture::join).toList();
    long[] every = all.stream().mapToLong(Inference::nanos).sorted().toArray();
    long[] first =
        all.stream().filter(one -> one.exit(0) == 0).mapToLong(Inference::nanos).sorted().toArray();
    line(
        "  load %.2f of FULL, %-8s p50 %.2f ms, p99 %.2f ms%s",
        load,
        name,
        every[every.length / 2] / 1e6,
        every[every.length * 99 / 100] / 1e6,
        first.length == 0
            ? ""
            : String.format(
                Locale.ROOT,
                ", p50 of those that left first %.2f ms",
                first[first.length / 2] / 1e6));
  }

  private static void requireSame(List<Inference> one, List<Inference> two) {
    for (int i = 0; i < one.size(); i++) {
      float[] left = new float[one.get(i).outputs()];
      float[] right = new float[left.length];
      one.get(i).logits(0).get(left);
      two.get(i).logits(0).get(right);
      if (!Arrays.equals(left, right) || one.get(i).exit(0) != two.get(i).exit(0)) {
        throw new AssertionError(one.get(i) + " differs from " + two.get(i));
      }
    }
  }

  private void line(String format, Object... values) {
    out.accept(String.format(Locale.ROOT, format, values));
  }
}
