package anabranch.benchmarks.peer;

import anabranch.backend.Event;
import anabranch.backend.LoadOptions;
import anabranch.benchmarks.measure.Contest;
import anabranch.benchmarks.measure.Finding;
import anabranch.benchmarks.measure.Limits;
import anabranch.benchmarks.measure.Report;
import anabranch.benchmarks.measure.Tensors;
import anabranch.benchmarks.process.Child;
import anabranch.engine.Backends;
import anabranch.engine.Engine;
import anabranch.engine.EngineOptions;
import anabranch.engine.Inference;
import anabranch.engine.Policy;
import anabranch.engine.Sequence;
import anabranch.model.ModelSpec;
import anabranch.weights.Weights;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A whole Mixtral in our engine beside the same weights in llama.cpp, each on one thread in a
 * process of its own, in turn. First the logits behind the last row of a text are compared, then
 * the tokens with which either goes on.
 */
final class BesideLlama {
  private static final int LONG = 512;
  private static final int SHORT = 32;
  private static final int MORE = 64;
  private static final double TOLERANCE = 1e-3;

  /** Extents of the model that only warms up, and steps that it makes for each round. */
  private static final int SMALL = 64;

  private static final int WARM_STEPS = 1000;

  /** How many times the time that passed all threads of a process may take. */
  private static final double THREADS = 1.2;

  private final Engine engine;
  private final Weights weights;
  private final Child llama;
  private final Report report;

  private BesideLlama(Engine engine, Weights weights, Child llama, Report report) {
    this.engine = engine;
    this.weights = weights;
    this.llama = llama;
    this.report = report;
  }

  /** What a side made of a text: the tokens behind it, the time of the first, and of each other. */
  private record Run(int[] tokens, Time first, Time others) {}

  /** Nanoseconds that passed, and those that processors spent. */
  private record Time(double passed, double spent) {}

  /**
   * Measures.
   *
   * @param start starts the other side with the arguments that it asks for
   * @param folder for the model
   */
  static void run(
      Function<List<String>, Child> start, Path folder, String backend, int rounds, Report report) {
    warmUp(backend, WARM_STEPS * rounds);
    Path file = folder.resolve("mixtral.gguf");
    try (Limits limits = new Limits();
        Weights weights = SmallMixtral.weights();
        Engine engine = open(backend, SmallMixtral.spec(), weights)) {
      SmallMixtral.write(file, weights);
      List<int[]> counts = SmallMixtral.counts(backend, weights, text(LONG));
      try (Child llama = start.apply(List.of(file.toString()));
          BareKernels many = BareKernels.ofRows(weights, LONG, counts);
          BareKernels behindLong = BareKernels.ofOneRow(weights, LONG + MORE / 2);
          BareKernels behindShort = BareKernels.ofOneRow(weights, SHORT + MORE / 2)) {
        llama.hear();
        BesideLlama contest = new BesideLlama(engine, weights, llama, report);
        contest.compare(text(LONG));
        contest.compare(text(SHORT));
        contest.measure(rounds, limits, new Floors(many, behindLong, behindShort));
      }
    }
  }

  /** Lets the compiler of the JVM see our side, on a model so small that it takes a moment. */
  private static void warmUp(String backend, int steps) {
    ModelSpec small = SmallMixtral.spec(SMALL, SMALL, SMALL);
    try (Weights weights = Weights.random(small, 1);
        Engine engine = open(backend, small, weights)) {
      for (int step = 0; step < steps; step += MORE) {
        try (Sequence sequence = engine.begin("small")) {
          next(sequence, text(step / MORE % 2 == 0 ? LONG : SHORT, SMALL), null);
          for (int i = 1; i < MORE; i++) {
            next(sequence, new int[] {i}, null);
          }
        }
      }
    }
  }

  private static Engine open(String backend, ModelSpec spec, Weights weights) {
    return Engine.open(
        Backends.named(backend).load(spec, weights, LoadOptions.defaults()),
        Policy.fullDepth(),
        EngineOptions.defaults());
  }

  private static int[] text(int length, int vocabulary) {
    SplittableRandom random = new SplittableRandom(length);
    return random.ints(length, SmallMixtral.FIRST_LETTER, vocabulary).toArray();
  }

  private static int[] text(int length) {
    return text(length, SmallMixtral.VOCABULARY);
  }

  /** Fails unless both sides have the same logits behind a text, and go on with the same tokens. */
  private void compare(int[] text) {
    String[] numbers = llama.ask("vector " + codes(text)).split(",");
    double[] vector = Arrays.stream(numbers).mapToDouble(Double::parseDouble).toArray();
    List<float[]> logits = new ArrayList<>();
    Run ours = ours(text, MORE, logits);
    double[] other = logits(vector, weights);
    float[] own = logits.get(0);
    double most = 0;
    for (int token = 0; token < own.length; token++) {
      double difference = Math.abs(own[token] - other[token]);
      if (!(difference <= TOLERANCE)) {
        throw new AssertionError(
            "logit "
                + token
                + " behind "
                + text.length
                + " rows is "
                + own[token]
                + ", llama.cpp's "
                + other[token]);
      }
      most = Math.max(most, difference);
    }
    int[] theirs = llama(text, MORE).tokens;
    int same = requireSame(ours.tokens, theirs, logits);
    report.note(
        "llama: logits behind %d rows differ by at most %.1e; of %d tokens that follow %d are the same",
        text.length, most, MORE, same);
  }

  /**
   * Returns the logits of a vector behind the last norm that was scaled to length 1: without the
   * norm's weights it had the length of a vector of ones.
   */
  static double[] logits(double[] vector, Weights weights) {
    float[] scale = Tensors.numbers(weights, "head.norm.weight");
    float[] matrix = Tensors.numbers(weights, "head.weight");
    double square = 0;
    for (int c = 0; c < vector.length; c++) {
      square += vector[c] * vector[c] / scale[c] / scale[c];
    }
    double factor = Math.sqrt(vector.length / square);
    double[] logits = new double[matrix.length / vector.length];
    for (int i = 0; i < matrix.length; i++) {
      logits[i / vector.length] += factor * vector[i % vector.length] * matrix[i];
    }
    return logits;
  }

  /**
   * Returns how many tokens are the same; from the first that is not, both sides read different
   * texts. Fails unless it was as likely as ours.
   */
  static int requireSame(int[] own, int[] other, List<float[]> logits) {
    if (own.length != other.length) {
      throw new AssertionError(own.length + " tokens follow, in llama.cpp " + other.length);
    }
    for (int i = 0; i < own.length; i++) {
      float[] each = logits.get(i);
      if (own[i] != other[i]) {
        if (!(each[own[i]] - each[other[i]] <= TOLERANCE)) {
          throw new AssertionError(
              "token " + i + " that follows is " + own[i] + ", in llama.cpp " + other[i]);
        }
        return i;
      }
    }
    return own.length;
  }

  /** Bare kernels: those of the long text, and of a row behind either. */
  private record Floors(BareKernels many, BareKernels behindLong, BareKernels behindShort) {
    /** Returns the kernels of the long text, or of none, and of as many rows as follow. */
    Run run(boolean text, BareKernels row) {
      (text ? many : row).run();
      Time first = text ? time(many::run, 1) : new Time(Double.NaN, Double.NaN);
      Runnable others =
          () -> {
            for (int i = 1; i < MORE; i++) {
              row.run();
            }
          };
      return new Run(new int[0], first, time(others, MORE - 1));
    }
  }

  private static Time time(Runnable work, double rows) {
    Contest.Times times = new Contest().side("work", work).run(0, 1).get("work");
    return new Time(times.median() / rows, times.busyMedian() / rows);
  }

  private void measure(int rounds, Limits limits, Floors floors) {
    Limits.Seen before = limits.probe();
    report.limits(before);
    Run[][] all = new Run[6][rounds];
    // Until half as many rounds as count are over, the compilers of both JVMs are at work.
    for (int round = -rounds / 2; round < rounds; round++) {
      Run[] seen = {
        oursWarm(text(LONG)),
        llamaWarm(text(LONG)),
        floors.run(true, floors.behindLong),
        oursWarm(text(SHORT)),
        llamaWarm(text(SHORT)),
        floors.run(false, floors.behindShort)
      };
      for (int side = 0; round >= 0 && side < seen.length; side++) {
        all[side][round] = seen[side];
      }
    }
    requireOneThread(all[1]);
    requireOneThread(all[4]);
    Limits.Seen after = limits.probe();
    report.limits(after);
    double products = 2.0 * LONG * SmallMixtral.weightsPerToken();
    double rate = Math.max(before.gemm(), after.gemm());
    Goals goals = new Goals(3, 0.8);
    report("llama.prefill" + LONG, Arrays.copyOf(all, 3), Run::first, products / rate, goals);
    double read = Math.max(before.read(), after.read());
    for (int length : new int[] {SHORT, LONG}) {
      int at = length == SHORT ? 3 : 0;
      long kept = SmallMixtral.keptPerToken(length + MORE / 2);
      double bytes = 4.0 * (SmallMixtral.weightsPerToken() + kept);
      goals = length == SHORT ? new Goals(0.95, 0.85) : new Goals(Double.NaN, Double.NaN);
      String name = "llama.decode behind " + length;
      Run[][] sides = Arrays.copyOfRange(all, at, at + 3);
      report(name, sides, Run::others, bytes / read, goals);
    }
  }

  /** Fails if the other side spent more than passed, in the middle of all rounds. */
  private static void requireOneThread(Run[] runs) {
    double[] passed = figures(runs, run -> run.first.passed + run.others.passed);
    double[] spent = figures(runs, run -> run.first.spent + run.others.spent);
    if (Contest.median(spent) > THREADS * Contest.median(passed)) {
      throw new AssertionError(
          "llama.cpp runs on more than one thread: spent "
              + Contest.median(spent)
              + " ns of "
              + Contest.median(passed));
    }
  }

  /**
   * What is wanted.
   *
   * @param peer how many times as fast as the other side
   * @param bound which share of what the machine allows
   */
  private record Goals(double peer, double bound) {}

  /** Reports ours, the other side's, and bare kernels. */
  private void report(
      String name, Run[][] sides, Function<Run, Time> part, double bound, Goals goals) {
    double[] spent = figures(sides[0], part.andThen(Time::spent));
    double[] passed = figures(sides[0], part.andThen(Time::passed));
    double[] theirSpent = figures(sides[1], part.andThen(Time::spent));
    double[] theirPassed = figures(sides[1], part.andThen(Time::passed));
    double[] floor = figures(sides[2], part.andThen(Time::spent));
    double[] bounds = spent.clone();
    Arrays.fill(bounds, bound);
    report.note(
        "%s: ours %.2f ms (%.2f passed), llama.cpp %.2f ms (%.2f passed), floor %.2f ms, bound %.2f"
            + " ms",
        name,
        Contest.median(spent) / 1e6,
        Contest.median(passed) / 1e6,
        Contest.median(theirSpent) / 1e6,
        Contest.median(theirPassed) / 1e6,
        Contest.median(floor) / 1e6,
        bound / 1e6);
    report.finding(finding(name + ".ours/floor", floor, spent));
    wanted(finding(name + ".ours/llama.cpp", theirSpent, spent), theirSpent, floor, goals.peer);
    wanted(finding(name + ".ours/bound", bounds, spent), bounds, floor, goals.bound);
    report.finding(finding(name + ".llama.cpp/bound", bounds, theirSpent));
    report.finding(finding(name + ".passed.ours/llama.cpp", theirPassed, passed));
  }

  /** Reports against a goal, with what bare kernels would have reached. */
  private void wanted(Finding finding, double[] other, double[] floor, double goal) {
    double allowed = finding(finding.name(), other, floor).ratio();
    report.finding(Double.isNaN(goal) ? finding : finding.atLeast(goal).withFloor(allowed));
  }

  private static Finding finding(String name, double[] other, double[] own) {
    double[] ratios = new double[own.length];
    Arrays.setAll(ratios, round -> other[round] / own[round]);
    return Finding.of(name, ratios);
  }

  private static double[] figures(Run[] runs, Function<Run, Double> of) {
    return Arrays.stream(runs).mapToDouble(of::apply).toArray();
  }

  /** Reads a text for nothing first: no side pays for what the others left in the caches. */
  private Run oursWarm(int[] text) {
    ours(text, 1, null);
    return ours(text, MORE, null);
  }

  /** Does so on the other side. */
  private Run llamaWarm(int[] text) {
    llama(text, 1);
    return llama(text, MORE);
  }

  /** Goes on with the likeliest tokens; adds the logits of each to a list, where there is one. */
  private Run ours(int[] text, int more, @Nullable List<float[]> logits) {
    int[] tokens = new int[more];
    try (Sequence sequence = engine.begin("text")) {
      Runnable read = () -> tokens[0] = next(sequence, text, logits);
      Runnable goOn =
          () -> {
            for (int i = 1; i < more; i++) {
              tokens[i] = next(sequence, new int[] {tokens[i - 1]}, logits);
            }
          };
      Time first = time(read, 1);
      return new Run(tokens, first, time(goOn, more - 1));
    }
  }

  private static int next(Sequence sequence, int[] tokens, @Nullable List<float[]> logits) {
    Inference answer = sequence.submit(Event.ofTokens(tokens)).join();
    int last = answer.units() - 1;
    if (logits != null) {
      float[] each = new float[answer.outputs()];
      answer.logits(last).get(each);
      logits.add(each);
    }
    return answer.label(last);
  }

  private Run llama(int[] text, int more) {
    String[] words = llama.ask("run " + codes(text) + " " + more).split(" ");
    int[] codes = Arrays.stream(words[0].split(",")).mapToInt(Integer::parseInt).toArray();
    double[] nanos =
        IntStream.range(1, words.length).mapToDouble(i -> Double.parseDouble(words[i])).toArray();
    return new Run(
        SmallMixtral.tokens(new String(codes, 0, codes.length)),
        new Time(nanos[0], nanos[1]),
        new Time(nanos[2] / (more - 1), nanos[3] / (more - 1)));
  }

  private static String codes(int[] text) {
    return SmallMixtral.letters(text)
        .codePoints()
        .mapToObj(Integer::toString)
        .collect(Collectors.joining(","));
  }
}
