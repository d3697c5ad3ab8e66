package anabranch.benchmarks;

import anabranch.backend.LoadOptions;
import anabranch.backend.Numerics;
import anabranch.benchmarks.measure.Contest;
import anabranch.benchmarks.measure.Tensors;
import anabranch.engine.Backends;
import anabranch.engine.Engine;
import anabranch.engine.EngineOptions;
import anabranch.engine.Inference;
import anabranch.engine.Item;
import anabranch.engine.Policy;
import anabranch.model.ModelSpec;
import anabranch.model.plan.Exit;
import anabranch.weights.Safetensors;
import anabranch.weights.Weights;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/**
 * How much of the arithmetic that exits save is saved as time, with trained weights and on text
 * they were not trained on: the same lines through the model without exits, and through the model
 * with exits under several policies, in turn, on one lane and one thread.
 *
 * <p>The speed-up predicted is that of operations executed, heads and keys of frozen rows included;
 * the busy speed-up is that of the processor's time on the lane, which other programs disturb less.
 */
final class Exits {
  /** Thresholds of the exits in the order of the plan; an exit without one is not asked. */
  private static final double[][] POLICIES = {
    {0.98, 0.98}, {0.95, 0.95}, {0.9, 0.9}, {0.95, 0.6}, {0.8, 0.8}, {0.6, 0.6}, {0.9}, {0.6}
  };

  private static final double LEAST_SPEED_UP = 1.10;
  private static final double LEAST_OF_PREDICTED = 0.85;
  private static final double OFF_BITS = 0.1;
  private static final Duration LINGER = Duration.ofMillis(50);
  private static final Duration SAMPLED = Duration.ofSeconds(5);
  private static final String FULL = "without exits";

  private final ModelSpec spec = ByteModel.withExits();
  private final StageTimes stageTimes = new StageTimes();
  private final Engine full;
  private final Engine exits;
  private final Lines lines;
  private final Consumer<String> out;
  private final List<Item> items;
  private final List<Inference> reference;

  private Exits(String backend, Weights weights, Lines lines, int batchRows, Consumer<String> out) {
    this.lines = lines;
    this.out = out;
    ModelSpec plain = ByteModel.withoutExits(spec);
    full = open(backend, plain, weights, batchRows);
    exits = open(backend, spec, weights, batchRows);
    items = lines.items(spec.embedding().ngrams().begin());
    reference = Lines.answers(full, items);
  }

  /**
   * Measures and reports.
   *
   * @param weights the file of the model's weights
   * @param kinds lines in flight together, by kind of text
   * @param batchRows candidates for the rows of a batch: the one at which the model without exits
   *     is fastest serves both sides
   * @param rounds rounds that count
   * @param out receives the report line by line
   */
  static void run(
      String backend,
      Path weights,
      List<Lines> kinds,
      List<Integer> batchRows,
      int rounds,
      Consumer<String> out) {
    try (Weights all = Safetensors.open(weights)) {
      for (Lines lines : kinds) {
        int rows = fastest(backend, all, lines, batchRows, rounds);
        Exits run = new Exits(backend, all, lines, rows, out);
        try {
          run.line(
              "%s: %d lines in flight, %d bytes, batches of up to %d rows, on %s",
              lines.kind(), lines.count(), lines.bytes(), rows, run.exits.numerics().device());
          run.measure(rounds);
        } finally {
          run.full.close();
          run.exits.close();
        }
      }
    }
  }

  /** Returns the rows of a batch at which the model without exits is fastest. */
  private static int fastest(
      String backend, Weights weights, Lines lines, List<Integer> batchRows, int rounds) {
    if (batchRows.size() == 1) {
      return batchRows.get(0);
    }
    ModelSpec plain = ByteModel.withoutExits(ByteModel.withExits());
    List<Item> items = lines.items(plain.embedding().ngrams().begin());
    Contest contest = new Contest();
    List<Engine> engines = new ArrayList<>();
    try {
      for (int rows : batchRows) {
        Engine engine = open(backend, plain, weights, rows, new StageTimes());
        engines.add(engine);
        contest.side(Integer.toString(rows), () -> Lines.answers(engine, items));
      }
      return Integer.parseInt(
          contest.run(rounds / 4 + 1, rounds / 3 + 1).entrySet().stream()
              .min((a, b) -> Long.compare(a.getValue().median(), b.getValue().median()))
              .orElseThrow()
              .getKey());
    } finally {
      engines.forEach(Engine::close);
    }
  }

  private Engine open(String backend, ModelSpec model, Weights weights, int batchRows) {
    return open(backend, model, weights, batchRows, stageTimes);
  }

  private static Engine open(
      String backend, ModelSpec model, Weights weights, int batchRows, StageTimes listener) {
    return Engine.open(
        Backends.named(backend).load(model, Tensors.part(weights, model), LoadOptions.defaults()),
        Policy.fullDepth(),
        EngineOptions.defaults().withBatchRows(batchRows).withLinger(LINGER),
        listener);
  }

  private void measure(int rounds) {
    Map<String, List<Item>> sides = new LinkedHashMap<>();
    sides.put("exits never asked", items);
    for (double[] thresholds : POLICIES) {
      Policy policy = ByteModel.policy(spec, "bench", thresholds);
      sides.put(name(policy), items.stream().map(item -> item.withPolicy(policy)).toList());
    }
    Map<String, List<Inference>> answers = new LinkedHashMap<>();
    sides.forEach((name, own) -> answers.put(name, compared(own)));
    Contest contest = new Contest().side(FULL, () -> Lines.answers(full, items));
    sides.forEach((name, own) -> contest.side(name, () -> Lines.answers(exits, own)));
    Map<String, Contest.Times> times = contest.run(rounds / 4 + 1, rounds);
    line(
        "%-24s %8s %8s %8s %9s %6s %13s %6s %10s %9s %9s",
        "",
        "lines/s",
        "bytes/s",
        "speed-up",
        "predicted",
        "ratio",
        "busy speed-up",
        "depth",
        "bits/byte",
        "same byte",
        "lines off");
    row(FULL, times, reference);
    List<String> reached = new ArrayList<>();
    answers.forEach(
        (name, own) -> {
          double predicted = row(name, times, own);
          double realised = times.get(name).speedUpOver(times.get(FULL));
          if (realised >= LEAST_SPEED_UP && realised >= LEAST_OF_PREDICTED * predicted) {
            reached.add(name);
          }
        });
    line(
        "a speed-up of %.2f that is %.2f of the predicted one: %s",
        LEAST_SPEED_UP,
        LEAST_OF_PREDICTED,
        reached.isEmpty() ? "nowhere" : "with " + String.join("; ", reached));
    explain(FULL, () -> Lines.answers(full, items));
    String quickest =
        Collections.max(
            sides.keySet(),
            Comparator.comparingDouble(n -> times.get(n).speedUpOver(times.get(FULL))));
    explain(quickest, () -> Lines.answers(exits, sides.get(quickest)));
  }

  private String name(Policy policy) {
    return spec.plan().exits().stream()
        .map(Exit::id)
        .filter(policy.thresholds()::containsKey)
        .map(id -> String.format(Locale.ROOT, "%s %.2f", id, policy.thresholds().get(id)))
        .collect(Collectors.joining(", "));
  }

  /** Says what the time of a side consists of. */
  private void explain(String name, Runnable side) {
    int[] runs = {0};
    stageTimes.clear();
    List<String> parts =
        Parts.of(
            () -> {
              side.run();
              runs[0]++;
            },
            SAMPLED);
    line("the time of \"%s\", a run:", name);
    stageTimes.lines(runs[0]).forEach(out);
    parts.forEach(out);
  }

  /** Reports a side and returns its predicted speed-up. */
  private double row(String name, Map<String, Contest.Times> times, List<Inference> answers) {
    Contest.Times own = times.get(name);
    double seconds = own.median() / 1e9;
    double predicted = (double) flops(reference) / flops(answers);
    double realised = own.speedUpOver(times.get(FULL));
    Lines.Difference difference = lines.difference(answers, reference, OFF_BITS);
    line(
        "%-24s %8.0f %8.0f %8.3f %9.3f %6.3f %13.3f %6.2f %10.3f %7.1f %% %7.1f %%",
        name,
        lines.count() / seconds,
        lines.bytes() / seconds,
        realised,
        predicted,
        realised / predicted,
        own.busySpeedUpOver(times.get(FULL)),
        difference.depth(),
        difference.bitsPerByte(),
        100 * difference.same(),
        100 * difference.off());
    return predicted;
  }

  private static long flops(List<Inference> answers) {
    return answers.stream().mapToLong(Inference::flops).sum();
  }

  /**
   * Returns the answers of items, after a look whether they are the same alone, and whether rows
   * before which nothing left are the same as without exits.
   */
  private List<Inference> compared(List<Item> own) {
    List<Inference> together = Lines.answers(exits, own);
    for (int i = 0; i < own.size(); i++) {
      Inference alone = exits.infer(own.get(i));
      boolean untouched = true;
      for (int unit = 0; unit < alone.units(); unit++) {
        requireSame(together.get(i), alone, unit);
        untouched &= alone.exit(unit) == spec.plan().exits().size();
        if (untouched) {
          requireSame(together.get(i), reference.get(i), unit);
        }
      }
    }
    return together;
  }

  private void requireSame(Inference own, Inference other, int unit) {
    Numerics numerics = exits.numerics();
    FloatBuffer left = own.logits(unit);
    FloatBuffer right = other.logits(unit);
    double square = 0;
    for (int c = 0; c < right.limit(); c++) {
      square += right.get(c) * right.get(c);
    }
    double most =
        numerics.kind() == Numerics.Kind.BITWISE_BATCH_INVARIANT
            ? 0
            : numerics.absolute() + numerics.relative() * Math.sqrt(square / right.limit());
    for (int c = 0; c < left.limit(); c++) {
      if (!(Math.abs(left.get(c) - right.get(c)) <= most)) {
        throw new AssertionError(
            own.item() + ", row " + unit + ": " + left.get(c) + " differs from " + right.get(c));
      }
    }
  }

  private void line(String format, Object... values) {
    out.accept(String.format(Locale.ROOT, format, values));
  }
}
