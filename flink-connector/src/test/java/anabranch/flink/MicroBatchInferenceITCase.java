package anabranch.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.Event;
import anabranch.engine.EngineOptions;
import anabranch.engine.Inference;
import anabranch.engine.Item;
import anabranch.engine.Policy;
import anabranch.error.DescriptionException;
import anabranch.flink.model.Leases;
import anabranch.flink.model.ModelRecipe;
import anabranch.model.facts.Cost;
import java.io.Serializable;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.apache.flink.api.common.JobID;
import org.apache.flink.api.common.RuntimeExecutionMode;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.ExecutionOptions;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.Histogram;
import org.apache.flink.metrics.Metric;
import org.apache.flink.runtime.testutils.InMemoryReporter;
import org.apache.flink.runtime.testutils.MiniClusterResourceConfiguration;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.apache.flink.util.CloseableIterator;
import org.apache.flink.util.ExceptionUtils;
import org.apache.flink.util.OutputTag;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(60)
class MicroBatchInferenceITCase {
  private static final InMemoryReporter METRICS = InMemoryReporter.createWithRetainedMetrics();

  @RegisterExtension
  static final MiniClusterExtension CLUSTER =
      new MiniClusterExtension(
          new MiniClusterResourceConfiguration.Builder()
              .setNumberTaskManagers(2)
              .setNumberSlotsPerTaskManager(2)
              .setConfiguration(METRICS.addToConfiguration(new Configuration()))
              .build());

  private static final TypeInformation<int[]> TOKENS =
      PrimitiveArrayTypeInfo.INT_PRIMITIVE_ARRAY_TYPE_INFO;

  private final Script script = new Script();

  @AfterEach
  void everyModelIsClosed() throws InterruptedException {
    Bench.await(() -> script.openModels.get() == 0);
  }

  @ParameterizedTest
  @CsvSource({
    "1,1,true",
    "2,7,true",
    "4,32,true",
    "4,1,false",
    "1,7,false",
    "2,32,false",
    "4,7,true"
  })
  void resultsDependNeitherOnParallelismNorOnBatches(int parallelism, int records, boolean ordered)
      throws Exception {
    List<int[]> input = records(1500);
    SingleOutputStreamOperator<String> results =
        step(environment(parallelism, RuntimeExecutionMode.STREAMING), input, ordered)
            .batchRecords(records)
            .map(Tokens::result, Types.STRING);
    assertEquals(expected(input), sorted(results));
    assertEquals(1, script.loads.get(), "one engine for all subtasks");
    Bench.await(() -> Leases.held() == 0);
  }

  @Test
  void aBoundedJobRunsInBatchMode() throws Exception {
    List<int[]> input = records(300);
    for (boolean ordered : new boolean[] {true, false}) {
      SingleOutputStreamOperator<String> results =
          step(environment(2, RuntimeExecutionMode.BATCH), input, ordered)
              .map(Tokens::result, Types.STRING);
      assertEquals(expected(input), sorted(results));
    }
  }

  @Test
  void anEmptyStreamGivesNothing() throws Exception {
    SingleOutputStreamOperator<String> results =
        step(environment(2, RuntimeExecutionMode.STREAMING), records(20), true)
            .flatMap((record, inferences, out) -> {}, Types.STRING);
    assertEquals(List.of(), sorted(results));
    DataStream<int[]> nothing =
        environment(2, RuntimeExecutionMode.STREAMING)
            .fromData(records(20), TOKENS)
            .filter(record -> false);
    assertEquals(
        List.of(),
        sorted(
            MicroBatchInference.on(nothing, script.recipe())
                .events(Tokens::events)
                .map(Tokens::result, Types.STRING)));
  }

  @Test
  void theTypeOfResultsIsTakenFromTheFunction() throws Exception {
    StreamExecutionEnvironment env = environment(1, RuntimeExecutionMode.STREAMING);
    assertEquals(Types.STRING, step(env, records(1), true).map(Tokens::result).getType());
    assertEquals(Types.LONG, step(env, records(1), true).map(new Sum()).getType());
    assertEquals(
        Types.LONG,
        step(env, records(1), true)
            .<Long>flatMap((record, inferences, out) -> out.collect(1L))
            .returns(Types.LONG)
            .getType());
  }

  private static final class Sum implements InferenceMapFunction<int[], Long> {
    @Override
    public Long map(int[] record, List<Inference> inferences) {
      return IntStream.of(record).asLongStream().sum();
    }
  }

  @Test
  void aStepWithoutAReaderIsRefused() {
    StreamExecutionEnvironment env = environment(1, RuntimeExecutionMode.STREAMING);
    MicroBatchInference<int[]> step =
        MicroBatchInference.on(env.fromData(records(1), TOKENS), script.recipe());
    assertThrows(DescriptionException.class, () -> step.map(Tokens::result, Types.STRING));
  }

  @Test
  @SuppressWarnings("deprecation")
  void aSourceWithAThreadOfItsOwnMayStandBefore() throws Exception {
    DataStream<int[]> legacy =
        environment(1, RuntimeExecutionMode.STREAMING).fromCollection(new Countdown(200), TOKENS);
    List<String> results =
        sorted(
            MicroBatchInference.on(legacy, script.recipe())
                .events(Tokens::events)
                .batchRecords(1)
                .maxInFlight(1)
                .map(Tokens::result, Types.STRING));
    assertEquals(200, results.size());
  }

  private static final class Countdown implements Iterator<int[]>, Serializable {
    private int left;

    Countdown(int left) {
      this.left = left;
    }

    @Override
    public boolean hasNext() {
      return left > 0;
    }

    @Override
    public int[] next() {
      return new int[] {left--};
    }
  }

  @Test
  void stepsMayStandInOneChain() throws Exception {
    List<int[]> input = records(200);
    DataStream<String> first =
        step(environment(2, RuntimeExecutionMode.STREAMING), input, true)
            .batchRecords(5)
            .maxInFlight(1)
            .map(Tokens::result, Types.STRING);
    List<String> results =
        sorted(
            MicroBatchInference.on(first, script.recipe(EngineOptions.defaults()))
                .events((text, in) -> List.of(Event.ofTokens(text.length())))
                .batchRecords(3)
                .maxInFlight(1)
                .map((text, inferences) -> text, Types.STRING));
    assertEquals(expected(input), results);
    assertEquals(2, script.loads.get());
  }

  @Test
  void itemsKeepTheirOwnIdsAndPolicies() throws Exception {
    SingleOutputStreamOperator<String> results =
        MicroBatchInference.on(
                environment(1, RuntimeExecutionMode.STREAMING)
                    .fromData(List.of(new int[] {3}, new int[] {6}), TOKENS),
                script.recipe())
            .items(
                (record, in) -> {
                  Item item = Item.of("my-" + record[0], Event.ofTokens(record));
                  return List.of(item, item.withPolicy(Policy.fullDepth()));
                })
            .map(
                (record, inferences) ->
                    inferences.stream()
                        .map(i -> i.item() + " " + i.policy() + " " + i.exit(0))
                        .collect(Collectors.joining(", ")),
                Types.STRING);
    assertEquals(
        List.of("my-3 both 0, my-3 full-depth 2", "my-6 both 0, my-6 full-depth 2"),
        sorted(results));
  }

  @Test
  void recordsThatCannotBeAnsweredReachTheSideOutput() throws Exception {
    OutputTag<String> bad = new OutputTag<>("bad", Types.STRING);
    SingleOutputStreamOperator<String> results =
        MicroBatchInference.on(
                environment(2, RuntimeExecutionMode.STREAMING).fromData(records(100), TOKENS),
                script.recipe())
            .events(Tokens::unsplit)
            .failuresTo(bad, (record, reason) -> record.length + " tokens")
            .map(Tokens::result, Types.STRING);
    List<String> both = sorted(results.union(results.getSideOutput(bad)));
    assertEquals(100, both.size());
    assertEquals(
        records(100).stream().filter(record -> record.length == 0 || record.length > 8).count(),
        both.stream().filter(text -> text.endsWith("tokens")).count());
  }

  @Test
  void aHungModelFailsTheJob() throws Exception {
    script.block(4);
    SingleOutputStreamOperator<String> results =
        step(environment(2, RuntimeExecutionMode.STREAMING), records(50), true)
            .timeout(Duration.ofMillis(300))
            .map(Tokens::result, Types.STRING);
    Exception thrown = assertThrows(Exception.class, () -> sorted(results));
    TimeoutException late =
        ExceptionUtils.findThrowable(thrown, TimeoutException.class)
            .orElseThrow(() -> new AssertionError(thrown));
    assertTrue(late.getMessage().contains("within PT0.3S"), late.getMessage());
    script.release(4);
  }

  @Test
  void aJobThatWaitsForAHungModelCanBeCancelled() throws Exception {
    script.block(4);
    StreamExecutionEnvironment env = environment(2, RuntimeExecutionMode.STREAMING);
    step(env, records(50), true).batchRecords(1).map(Tokens::result, Types.STRING).print();
    JobClient job = env.executeAsync();
    Bench.await(() -> script.ran.contains(4));
    long start = System.nanoTime();
    job.cancel().get(30, TimeUnit.SECONDS);
    assertThrows(Exception.class, () -> job.getJobExecutionResult().get(30, TimeUnit.SECONDS));
    assertTrue(System.nanoTime() - start < 15e9);
    script.release(4);
  }

  @Test
  void metricsSumUpOverSubtasks() throws Exception {
    List<int[]> input = records(500);
    StreamExecutionEnvironment env = environment(2, RuntimeExecutionMode.STREAMING);
    step(env, input, true).batchRecords(7).map(Tokens::result, Types.STRING).print();
    var result = env.execute();
    long rows = input.stream().mapToInt(record -> record.length).sum();
    List<Event> events =
        input.stream()
            .flatMap(record -> Tokens.events(record, Script.SPEC.input()).stream())
            .toList();
    Cost cost = Cost.of(Script.SPEC);
    assertEquals(500, sum(result.getJobID(), "records"));
    assertEquals(rows, sum(result.getJobID(), "rows"));
    assertEquals(0, sum(result.getJobID(), "failures"));
    assertEquals(
        events.stream().mapToLong(event -> cost.full(event.rows())).sum(),
        sum(result.getJobID(), "fullFlops"));
    assertTrue(sum(result.getJobID(), "flops") < sum(result.getJobID(), "fullFlops"));
    String[] exits = {"a", "b", "end"};
    for (int s = 0; s < 3; s++) {
      int stage = s;
      assertEquals(
          events.stream().filter(event -> event.token(0) % 3 == stage).count(),
          sum(result.getJobID(), "exit." + exits[s] + ".units"));
    }
    long batches = sum(result.getJobID(), "batches");
    long inBatches = 0;
    long counted = 0;
    for (Metric metric : metrics(result.getJobID(), "batchRecords")) {
      Histogram histogram = (Histogram) metric;
      counted += histogram.getCount();
      assertTrue(histogram.getStatistics().getMax() <= 7);
      inBatches += LongStream.of(histogram.getStatistics().getValues()).sum();
    }
    assertEquals(batches, counted);
    assertEquals(500, inBatches);
    long depths = 0;
    for (Metric metric : metrics(result.getJobID(), "exitDepth")) {
      depths += LongStream.of(((Histogram) metric).getStatistics().getValues()).sum();
    }
    assertEquals(events.stream().mapToLong(event -> event.token(0) % 3 + 1).sum(), depths);
    long left = 0;
    for (Metric metric : metrics(result.getJobID(), "exitDepth")) {
      left += ((Histogram) metric).getCount();
    }
    assertEquals(events.size(), left);
    for (String gauge : new String[] {"batchesInFlight", "held"}) {
      for (Metric metric : metrics(result.getJobID(), gauge)) {
        assertEquals(0, ((Gauge<?>) metric).getValue());
      }
    }
    for (Metric metric : metrics(result.getJobID(), "engine.batches")) {
      assertTrue((Long) ((Gauge<?>) metric).getValue() >= events.size());
    }
  }

  private static long sum(JobID job, String name) {
    return metrics(job, name).stream().mapToLong(metric -> ((Counter) metric).getCount()).sum();
  }

  private static List<Metric> metrics(JobID job, String name) {
    List<Metric> found =
        METRICS.findMetrics(job, "inference.model.script." + name).entrySet().stream()
            .filter(metric -> metric.getKey().endsWith(".inference.model.script." + name))
            .map(Map.Entry::getValue)
            .toList();
    assertEquals(2, found.size(), name + " of two subtasks");
    return found;
  }

  private StreamExecutionEnvironment environment(int parallelism, RuntimeExecutionMode mode) {
    Configuration configuration = new Configuration();
    configuration.set(PipelineOptions.GENERIC_TYPES, false);
    configuration.set(ExecutionOptions.RUNTIME_MODE, mode);
    StreamExecutionEnvironment env =
        StreamExecutionEnvironment.getExecutionEnvironment(configuration);
    env.setParallelism(parallelism);
    return env;
  }

  private MicroBatchInference<int[]> step(
      StreamExecutionEnvironment env, List<int[]> input, boolean ordered) {
    ModelRecipe recipe = script.recipe();
    MicroBatchInference<int[]> step =
        MicroBatchInference.on(env.fromData(input, TOKENS).rebalance(), recipe)
            .events(Tokens::events);
    return ordered ? step.ordered() : step.unordered();
  }

  private static List<int[]> records(int count) {
    List<int[]> records = new ArrayList<>();
    for (int n = 0; n < count; n++) {
      records.add(IntStream.range(n, n + n % 11).toArray());
    }
    return records;
  }

  private static List<String> expected(List<int[]> input) {
    return input.stream().map(Tokens::expected).sorted().toList();
  }

  private static List<String> sorted(DataStream<String> results) throws Exception {
    List<String> all = new ArrayList<>();
    try (CloseableIterator<String> iterator = results.executeAndCollect()) {
      iterator.forEachRemaining(all::add);
    }
    return all.stream().sorted().toList();
  }
}
