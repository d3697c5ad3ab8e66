package anabranch.benchmarks.job;

import anabranch.benchmarks.measure.Contest;
import anabranch.benchmarks.measure.Finding;
import anabranch.benchmarks.measure.Report;
import anabranch.flink.MicroBatchInference;
import anabranch.flink.keyed.KeyedSequenceInference;
import anabranch.flink.model.ModelRecipe;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.DataStream;

/**
 * What an inference step costs in a Flink job, in time of processors over all threads of the
 * process: beside the bare engine and the same job around a model that computes nothing, beside a
 * job that only maps, and on RocksDB beside the heap. Sides answer the same rows in turn, their
 * results are compared each round, and each round of a keyed job holds one checkpoint, or several
 * where one takes little beside its rows.
 */
public final class FlinkCosts {
  /** The benchmarks that can run, each alone. */
  public static final List<String> NAMES = List.of("flink", "flink-batch", "flink-rocks");

  private static final int WARM_UPS = 3;
  private static final int PAGES = Workload.PAGES;

  private final String backend;
  private final int rounds;
  private final double share;
  private final Report report;

  private FlinkCosts(String backend, int rounds, double share, Report report) {
    this.backend = backend;
    this.rounds = rounds;
    this.share = share;
    this.report = report;
  }

  /**
   * Measures and reports.
   *
   * @param name of {@link #NAMES}: what an operator costs of its own, what a job costs beside its
   *     parts, or what RocksDB costs beside the heap
   * @param share of the usual rows of a round
   */
  public static void run(String name, String backend, int rounds, double share, Report report) {
    try (Jobs jobs = new Jobs()) {
      FlinkCosts costs = new FlinkCosts(backend, rounds, share, report);
      switch (name) {
        case "flink" -> costs.own(jobs);
        case "flink-batch" -> {
          costs.composed(jobs, 512, 1.03);
          costs.composed(jobs, 64, 1.06);
        }
        case "flink-rocks" -> {
          costs.state(jobs, "identity", 50_000, 1, 4);
          costs.state(jobs, backend, 2048, 4, 1.05);
        }
        default -> throw new IllegalArgumentException(name + " is not in " + NAMES);
      }
    } catch (RuntimeException failed) {
      throw failed;
    } catch (Exception failed) {
      throw new IllegalStateException(failed);
    }
  }

  /** What an operator costs over a plain map, and over the engine that it asks. */
  private void own(Jobs jobs) throws Exception {
    int batch = 512;
    Keys keys = Keys.inTurn(2 * batch);
    long rows = rows(200_000);
    ModelRecipe stateless =
        Workload.recipe("identity", Workload.stateless(), batch, Workload.LINGER, 0);
    ModelRecipe routed =
        Workload.recipe("identity", Workload.routed(Workload.ENDLESS), batch, Workload.LINGER, 1);
    try (Jobs.Job map = jobs.start("map", "hashmap", FlinkCosts::mapped);
        Jobs.Job step = jobs.start("stateless", "hashmap", numbers -> step(numbers, stateless));
        BareEngine bare =
            new BareEngine("identity", Workload.stateless(), batch, 0, null, 4 * batch)) {
      bare.round(1);
      Sides sides = new Sides();
      sides.side("bare", () -> bare.round(rows), "engine");
      sides.side("map", () -> map.round(rows));
      sides.side("step", () -> step.round(rows), "engine");
      own("flink.stateless", sides.run(), rows, 1.0);
    }
    try (Jobs.Job map = jobs.start("keyed map", "hashmap", numbers -> mapped(numbers.keyBy(keys)));
        Jobs.Job step =
            jobs.start("keyed", "hashmap", numbers -> keyed(numbers, keys, routed, 2 * batch));
        BareEngine bare =
            new BareEngine(
                "identity", Workload.routed(Workload.ENDLESS), batch, 1, keys, 2 * batch)) {
      bare.round(1);
      Sides sides = new Sides();
      sides.side("bare", () -> bare.round(rows), "engine");
      sides.side("map", () -> map.checkpointed(rows));
      sides.side("step", () -> step.checkpointed(rows), "engine");
      own("flink.keyed", sides.run(), rows, 1.5);
    }
  }

  private void own(String name, Map<String, long[]> busy, long rows, double goal) {
    double[] over = new double[rounds];
    double[] alone = new double[rounds];
    for (int round = 0; round < rounds; round++) {
      double step = busy.get("step")[round] - busy.get("map")[round];
      over[round] = goal / Math.max(1e-3, step / 1e3 / rows);
      alone[round] = goal / Math.max(1e-3, (step - busy.get("bare")[round]) / 1e3 / rows);
    }
    Finding operator = Finding.of(name + "." + goal + " us/what the operator adds", alone);
    Finding both = Finding.of(name + "." + goal + " us/what operator and engine add", over);
    report.note(
        "%s us a row: job %.3f, map job %.3f, bare engine %.3f; over the map job %.3f, of which the"
            + " operator %.3f",
        name,
        micros(busy.get("step"), rows),
        micros(busy.get("map"), rows),
        micros(busy.get("bare"), rows),
        goal / both.ratio(),
        goal / operator.ratio());
    report.finding(operator.atLeast(1));
    report.finding(both);
  }

  /** What a job costs beside the sum of its parts. */
  private void composed(Jobs jobs, int batch, double goal) throws Exception {
    Keys keys = Keys.inTurn(2 * batch);
    long rows = rows(batch == 512 ? 8192 : 4096);
    ModelRecipe real =
        Workload.recipe(backend, Workload.routed(Workload.LENGTH), batch, Workload.LINGER, PAGES);
    ModelRecipe empty =
        Workload.recipe(
            "identity", Workload.routed(Workload.LENGTH), batch, Workload.LINGER, PAGES);
    try (Jobs.Job job =
            jobs.start("job", "hashmap", numbers -> keyed(numbers, keys, real, 2 * batch));
        Jobs.Job identity =
            jobs.start("identity", "hashmap", numbers -> keyed(numbers, keys, empty, 2 * batch));
        BareEngine bare =
            new BareEngine(
                backend, Workload.routed(Workload.LENGTH), batch, PAGES, keys, 2 * batch)) {
      bare.round(1);
      Sides sides = new Sides();
      sides.side("bare", () -> bare.round(rows), "routed");
      sides.side("identity", () -> identity.checkpointed(rows));
      sides.side("job", () -> job.checkpointed(rows), "routed");
      Map<String, long[]> busy = sides.run();
      double[] ratios = new double[rounds];
      double[] overEngine = new double[rounds];
      for (int round = 0; round < rounds; round++) {
        double engine = busy.get("bare")[round];
        ratios[round] = (engine + busy.get("identity")[round]) / busy.get("job")[round];
        overEngine[round] = engine / busy.get("job")[round];
      }
      String name = "flink.batch" + batch;
      report.note(
          "%s us a row: job %.2f, bare engine %.2f, identity job %.2f; %d keys, a checkpoint of"
              + " their state every %d rows (%.2f s)",
          name,
          micros(busy.get("job"), rows),
          micros(busy.get("bare"), rows),
          micros(busy.get("identity"), rows),
          keys.count(),
          rows,
          sides.seconds("job"));
      report.finding(Finding.of(name + ".(engine + identity job)/job", ratios).atLeast(1 / goal));
      report.finding(Finding.of(name + ".engine/job", overEngine));
    }
  }

  /**
   * What RocksDB costs beside the heap: 256 hot keys of 64 KB.
   *
   * @param usual rows between two checkpoints
   * @param checkpoints of a round
   */
  private void state(Jobs jobs, String of, int usual, int checkpoints, double goal)
      throws Exception {
    Keys keys = Keys.zipf(256);
    long rows = rows(usual);
    int length = of.equals("identity") ? Workload.ENDLESS : Workload.LENGTH;
    ModelRecipe recipe = Workload.recipe(of, Workload.routed(length), 512, Workload.LINGER, PAGES);
    try (Jobs.Job heap =
            jobs.start("heap", "hashmap", numbers -> keyed(numbers, keys, recipe, 1024));
        Jobs.Job rocks =
            jobs.start("rocks", "rocksdb", numbers -> keyed(numbers, keys, recipe, 1024))) {
      Sides sides = new Sides();
      sides.side("heap", () -> heap.checkpointed(rows, checkpoints), "both");
      sides.side("rocks", () -> rocks.checkpointed(rows, checkpoints), "both");
      Map<String, long[]> busy = sides.run();
      double[] ratios = new double[rounds];
      for (int round = 0; round < rounds; round++) {
        ratios[round] = (double) busy.get("heap")[round] / busy.get("rocks")[round];
      }
      String name = "flink.hot keys." + (of.equals("identity") ? of : "routed");
      report.note(
          "%s us a row: rocksdb %.2f, heap %.2f; a checkpoint every %d rows (%.2f s)",
          name,
          micros(busy.get("rocks"), checkpoints * rows),
          micros(busy.get("heap"), checkpoints * rows),
          rows,
          sides.seconds("rocks") / checkpoints);
      report.finding(Finding.of(name + ".heap/rocksdb", ratios).atLeast(1 / goal));
    }
  }

  private static DataStream<Long> mapped(DataStream<Long> numbers) {
    return numbers.map(Workload::mix).returns(Types.LONG);
  }

  private static DataStream<Long> step(DataStream<Long> numbers, ModelRecipe recipe) {
    return MicroBatchInference.on(numbers, recipe)
        .events((number, input) -> Workload.events(number))
        .batchRecords(512)
        .map((number, answers) -> Workload.result(number, answers.get(0)), Types.LONG);
  }

  private static DataStream<Long> keyed(
      DataStream<Long> numbers, Keys keys, ModelRecipe recipe, int held) {
    int length = recipe.spec().input().maxLength();
    return KeyedSequenceInference.on(numbers.keyBy(keys), recipe)
        .events((number, input) -> Workload.events(number))
        .ends(number -> keys.ends(number, length))
        .maxHeld(held)
        .cacheBytes(512L << 20)
        .map((number, answers) -> Workload.result(number, answers.get(0)), Types.LONG);
  }

  private long rows(int usual) {
    return Math.max(64, Math.round(usual * share));
  }

  private static double micros(long[] busy, long rows) {
    return Contest.median(Arrays.stream(busy).mapToDouble(nanos -> nanos / 1e3 / rows).toArray());
  }

  /** Sides in turn, whose results are compared within groups. */
  private final class Sides {
    private final Contest contest = Contest.ofProcess();
    private final Map<String, Long> results = new HashMap<>();
    private Map<String, Contest.Times> times = Map.of();

    /** Adds a side that answers alone. */
    void side(String name, LongSupplier round) {
      contest.side(name, round::getAsLong);
    }

    /** Adds a side that must answer as the other one of its group does. */
    void side(String name, LongSupplier round, String group) {
      contest.side(name, () -> compare(name, round.getAsLong(), group));
    }

    private void compare(String name, long result, String group) {
      Long other = results.remove(group);
      if (other == null) {
        results.put(group, result);
      } else if (other != result) {
        throw new AssertionError(name + " answers otherwise than the others of " + group);
      }
    }

    Map<String, long[]> run() {
      times = contest.run(WARM_UPS, rounds);
      Map<String, long[]> busy = new HashMap<>();
      times.forEach((name, taken) -> busy.put(name, taken.busy()));
      return busy;
    }

    double seconds(String name) {
      return times.get(name).median() / 1e9;
    }
  }
}
