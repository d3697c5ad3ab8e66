package anabranch.benchmarks;

import anabranch.backend.Event;
import anabranch.backend.LoadOptions;
import anabranch.benchmarks.measure.Contest;
import anabranch.benchmarks.measure.Finding;
import anabranch.benchmarks.measure.Report;
import anabranch.benchmarks.measure.Tensors;
import anabranch.engine.Backends;
import anabranch.engine.Engine;
import anabranch.engine.EngineListener;
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
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import java.util.stream.Stream;

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
  private static final int IN_FLIGHT = 4 * BATCH_ROWS;
  private static final int VOCABULARY = 64;
  private static final double[] LEAVE = {0.25, 0.5};

  private final Report report;
  private final int rounds;
  private final String backend;
  private final Weights weights;

  private Rebatch(String backend, int rounds, Report report) {
    this.backend = backend;
    this.rounds = rounds;
    this.report = report;
    weights = Weights.random(spec(), 1);
  }

  /** Measures and reports line by line. */
  static void run(String backend, int rounds, Report report) {
    Rebatch rebatch = new Rebatch(backend, rounds, report);
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

  /** One segment: what the same layers cost where nobody may leave. */
  private static ModelSpec plain() {
    List<Block> blocks = spec().plan().blocks();
    return new ModelSpec(
        "rebatch",
        WIDTH,
        new Input.Tokens(VOCABULARY, ROWS),
        Embedding.plain(),
        Plan.of(blocks),
        spec().head());
  }

  private Engine open(ModelSpec spec, Mode mode, EngineListener listener) {
    return Engine.open(
        Backends.named(backend).load(spec, Tensors.part(weights, spec), LoadOptions.defaults()),
        Policy.fullDepth(),
        EngineOptions.defaults().withBatchRows(BATCH_ROWS).withMode(mode),
        listener);
  }

  /** The longest batch, and the longest that the first item of an inner queue waited. */
  private static final class Waits implements EngineListener {
    private long longest;
    private long waited;

    @Override
    public synchronized void batch(Batch batch) {
      longest = Math.max(longest, batch.nanos());
      waited = Math.max(waited, batch.stage() == 0 ? 0 : batch.waited());
    }

    /** Returns the wait that the rules allow where batches take at most that long. */
    synchronized double bound() {
      double between = 4 + SEGMENTS + Math.ceil((IN_FLIGHT + BATCH_ROWS) / (double) BATCH_ROWS);
      return longest * (4 + between);
    }

    synchronized long waited() {
      return waited;
    }
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
    double ran = leaving.stream().mapToInt(item -> step(item) + 1).sum();
    double predicted = SEGMENTS * RECORDS / ran;
    Waits waits = new Waits();
    try (Engine full = open(spec(), Mode.FULL, batch -> {});
        Engine compact = open(spec(), Mode.COMPACT, batch -> {});
        Engine adaptive = open(spec(), Mode.ADAPTIVE, waits);
        Engine plain = open(plain(), Mode.COMPACT, batch -> {})) {
      List<Inference> one = saturated(compact, leaving);
      List<Inference> two = saturated(adaptive, leaving);
      requireSame(one, two);
      requireSame(saturated(full, staying), saturated(plain, free(leaving)));
      Map<String, Contest.Times> times =
          new Contest()
              .side("FULL", () -> saturated(full, staying))
              .side("COMPACT", () -> saturated(compact, leaving))
              .side("ADAPTIVE", () -> saturated(adaptive, leaving))
              .side("stays", () -> saturated(adaptive, staying))
              .side("plain", () -> saturated(plain, free(leaving)))
              .run(3, rounds);
      Contest.Times base = times.get("FULL");
      Contest.Times best = times.get("ADAPTIVE");
      String name = String.format(Locale.ROOT, "rebatch.%.0f%%", 100 * leave);
      report.note("%s FULL %.0f records/s", name, RECORDS / (base.median() / 1e9));
      double[] gain = best.ratiosOver(base);
      report.finding(Finding.of(name + ".COMPACT/FULL", times.get("COMPACT").ratiosOver(base)));
      report.finding(
          Finding.of(
                  name + ".ADAPTIVE/predicted",
                  Arrays.stream(gain).map(r -> r / predicted).toArray())
              .atLeast(0.92));
      Finding over = Finding.of(name + ".ADAPTIVE/COMPACT", best.ratiosOver(times.get("COMPACT")));
      report.finding(leave == LEAVE[0] ? over.atLeast(1.05) : over);
      report.finding(
          Finding.of(
                  name + ".nobody-leaves/plain", times.get("stays").ratiosOver(times.get("plain")))
              .atLeast(0.97));
      long involuntary =
          IntStream.range(0, RECORDS)
              .filter(i -> two.get(i).exit(0) != step(leaving.get(i)))
              .count();
      double gap = base.median() / (double) RECORDS;
      for (double load : new double[] {0.7, 0.9, 0.95}) {
        latencies(name, full, compact, adaptive, leaving, staying, gap / load, load);
      }
      report.note(
          "%s predicted %.3f, involuntary exits %d, longest wait in an inner queue %.2f ms of %.2f "
              + "allowed %s",
          name,
          predicted,
          involuntary,
          waits.waited() / 1e6,
          waits.bound() / 1e6,
          involuntary == 0 && waits.waited() <= waits.bound() ? "pass" : "fail");
    }
  }

  private static int step(Item item) {
    return item.forced().exits().get(0);
  }

  private static List<Item> free(List<Item> items) {
    return items.stream().map(item -> item.withForcedExits(List.of(0))).toList();
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

  /** Says how long records take that arrive at random, side by side. */
  private void latencies(
      String name,
      Engine full,
      Engine compact,
      Engine adaptive,
      List<Item> leaving,
      List<Item> staying,
      double gap,
      double load) {
    int count = Math.max(1, rounds / 3);
    double[] tails = new double[count];
    double[] firsts = new double[count];
    double[][] millis = new double[8][count];
    // One batch of all rows through one segment may come on top.
    double batch = gap * load * BATCH_ROWS / ROWS / SEGMENTS;
    for (int round = 0; round < count; round++) {
      long[] base = latency(full, staying, gap, round, false);
      long[] plain = latency(compact, leaving, gap, round, false);
      long[] merged = latency(adaptive, leaving, gap, round, false);
      long[] first = latency(adaptive, leaving, gap, round, true);
      tails[round] = (at(plain, 0.99) + batch) / at(merged, 0.99);
      firsts[round] = at(first, 0.5) / (double) at(base, 0.5);
      List<long[]> sides = List.of(base, plain, merged, first);
      for (int side = 0; side < sides.size(); side++) {
        millis[2 * side][round] = at(sides.get(side), 0.5) / 1e6;
        millis[2 * side + 1][round] = at(sides.get(side), 0.99) / 1e6;
      }
    }
    report.note(
        "%s load %.2f of FULL: p50 / p99 ms FULL %.2f / %.2f, COMPACT %.2f / %.2f, "
            + "ADAPTIVE %.2f / %.2f, those that left first %.2f / %.2f",
        Stream.concat(Stream.of(name, load), Arrays.stream(millis).map(Contest::median)).toArray());
    String at = String.format(Locale.ROOT, "%s.load%.2f", name, load);
    Finding tail = Finding.of(at + ".p99 (COMPACT + 1 batch)/ADAPTIVE", tails);
    report.finding(load <= 0.9 ? tail.atLeast(1 / 1.1) : tail);
    Finding first = Finding.of(at + ".p50 first exit/FULL", firsts);
    report.finding(load == 0.7 ? first.atMost(0.45) : first);
  }

  private static long at(long[] sorted, double share) {
    return sorted[(int) Math.min(sorted.length - 1, share * sorted.length)];
  }

  /** Returns the times of records that arrive at random, or of those that left first, ascending. */
  private static long[] latency(
      Engine engine, List<Item> items, double gap, int seed, boolean leftFirst) {
    SplittableRandom random = new SplittableRandom(seed);
    List<CompletableFuture<Inference>> answers = new ArrayList<>();
    double next = System.nanoTime();
    for (Item item : items) {
      next += -gap * Math.log(1 - random.nextDouble());
      while (System.nanoTime() < next) {
        Thread.onSpinWait();
      }
      answers.add(engine.submit(item));
    }
    return answers.stream()
        .map(CompletableFuture::join)
        .filter(one -> !leftFirst || one.exit(0) == 0)
        .mapToLong(Inference::nanos)
        .sorted()
        .toArray();
  }

  private static void requireSame(List<Inference> one, List<Inference> two) {
    for (int i = 0; i < one.size(); i++) {
      float[] left = new float[one.get(i).outputs()];
      float[] right = new float[left.length];
      one.get(i).logits(0).get(left);
      two.get(i).logits(0).get(right);
      boolean same = one.get(i).exit(0) == two.get(i).exit(0) || two.get(i).exit(0) == 0;
      if (!Arrays.equals(left, right) || !same) {
        throw new AssertionError(one.get(i) + " differs from " + two.get(i));
      }
    }
  }
}
