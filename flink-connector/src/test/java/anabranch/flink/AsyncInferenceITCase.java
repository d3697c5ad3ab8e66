package anabranch.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.Event;
import anabranch.engine.EngineOptions;
import anabranch.engine.Inference;
import anabranch.flink.model.Leases;
import anabranch.flink.model.ModelRecipe;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.IntStream;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.runtime.testutils.MiniClusterResourceConfiguration;
import org.apache.flink.streaming.api.datastream.AsyncDataStream;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.apache.flink.util.CloseableIterator;
import org.apache.flink.util.ExceptionUtils;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The function behind Flink's own asynchronous operator, in whole jobs. */
@Timeout(60)
class AsyncInferenceITCase {
  @RegisterExtension
  static final MiniClusterExtension CLUSTER =
      new MiniClusterExtension(
          new MiniClusterResourceConfiguration.Builder()
              .setNumberTaskManagers(2)
              .setNumberSlotsPerTaskManager(2)
              .build());

  private final Script script = new Script();

  @AfterEach
  void everyModelIsClosed() throws InterruptedException {
    Bench.await(() -> script.openModels.get() == 0 && Leases.held() == 0);
  }

  /** With room for one item in the engine's queue, most of what is asked is asked again. */
  @ParameterizedTest
  @CsvSource({"true,1,1024", "true,4,1", "false,2,1024", "false,4,1"})
  void everyRecordIsAnsweredOnce(boolean ordered, int parallelism, int queueItems)
      throws Exception {
    List<int[]> records =
        IntStream.range(0, 500).mapToObj(n -> IntStream.range(n, n + n % 11).toArray()).toList();
    ModelRecipe recipe =
        script.recipe(EngineOptions.defaults().withLanes(4).withQueueItems(queueItems));
    DataStream<int[]> input = input(records, parallelism);
    AsyncInferenceFunction<int[], String> function =
        AsyncInferenceFunction.of(recipe, Tokens::events, Tokens::result);
    DataStream<String> results =
        (ordered
                ? AsyncDataStream.orderedWait(input, function, 1, TimeUnit.MINUTES, 64)
                : AsyncDataStream.unorderedWait(input, function, 1, TimeUnit.MINUTES, 64))
            .returns(Types.STRING);
    List<String> all = collected(results);
    List<String> expected = records.stream().map(Tokens::expected).toList();
    if (!ordered || parallelism > 1) {
      all = all.stream().sorted().toList();
      expected = expected.stream().sorted().toList();
    }
    assertEquals(expected, all);
    assertEquals(1, script.loads.get(), "one engine for all subtasks");
  }

  @Test
  void aLateRecordFailsTheJobOrHasAResultOfItsOwn() throws Exception {
    script.block(4);
    List<int[]> records = List.of(new int[] {3}, new int[] {4}, new int[] {5});
    AsyncInferenceFunction<int[], String> function =
        AsyncInferenceFunction.of(script.recipe(), Tokens::events, Tokens::result);
    Exception thrown =
        assertThrows(
            Exception.class,
            () ->
                collected(
                    AsyncDataStream.orderedWait(
                            input(records, 1), function, 300, TimeUnit.MILLISECONDS)
                        .returns(Types.STRING)));
    String message =
        ExceptionUtils.findThrowable(thrown, TimeoutException.class).orElseThrow().getMessage();
    assertEquals(
        "model \"script\" on backend \"scripted\" did not answer a record within the time it was"
            + " given",
        message);
    script.release(4);
    script.block(4);
    List<String> all =
        collected(
            AsyncDataStream.orderedWait(
                    input(records, 1),
                    function.orElse(record -> record[0] + " is late"),
                    300,
                    TimeUnit.MILLISECONDS)
                .returns(Types.STRING));
    assertEquals(List.of(Tokens.expected(3), "4 is late", Tokens.expected(5)), all);
    script.release(4);
  }

  @Test
  void aRecordThatCannotBeAnsweredFailsTheJobInWords() throws Exception {
    Exception thrown =
        assertThrows(
            Exception.class,
            () ->
                collected(
                    AsyncDataStream.orderedWait(
                            input(List.of(new int[] {1_000_001}), 1),
                            AsyncInferenceFunction.of(
                                script.recipe(), Tokens::events, Tokens::result),
                            1,
                            TimeUnit.MINUTES)
                        .returns(Types.STRING)));
    assertTrue(
        ExceptionUtils.findThrowableWithMessage(
                thrown, "event.token[0] 1000001 is not in 0..999999")
            .isPresent(),
        () -> ExceptionUtils.stringifyException(thrown));
  }

  @Test
  void theExampleLabelsLines() throws Exception {
    DataStream<String> lines = environment(1).fromData("abc", "abcdefghij", "");
    assertEquals(
        List.of(" []", "abc [3]", "abcdefghij [28, 17]"),
        collected(labelled(lines, script.recipe())).stream().sorted().toList());
    String shown =
        Files.readString(Path.of("src/main/java/anabranch/flink/AsyncInferenceFunction.java"));
    shown = shown.substring(shown.indexOf("<pre>{@code") + 11, shown.indexOf("}</pre>"));
    String own =
        Files.readString(Path.of("src/test/java/anabranch/flink/AsyncInferenceITCase.java"));
    String example = shown.replaceAll("(?m)^ \\*", "").replaceAll("\\s+", "");
    assertTrue(own.replaceAll("\\s+", "").contains(example), shown);
  }

  private static DataStream<String> labelled(DataStream<String> lines, ModelRecipe recipe) {
    DataStream<String> labelled =
        AsyncDataStream.unorderedWait(
                lines,
                AsyncInferenceFunction.of(
                    recipe,
                    (line, input) -> windows(line, input.maxLength()),
                    (line, inferences) -> line + " " + label(inferences)),
                30,
                TimeUnit.SECONDS,
                256)
            .returns(Types.STRING);
    return labelled;
  }

  private static List<Event> windows(String line, int maxLength) throws IOException {
    return ExampleITCase.windows(line, maxLength);
  }

  private static List<Integer> label(List<Inference> inferences) {
    return ExampleITCase.label(inferences);
  }

  private static DataStream<int[]> input(List<int[]> records, int parallelism) {
    DataStream<int[]> all =
        environment(parallelism)
            .fromData(records, PrimitiveArrayTypeInfo.INT_PRIMITIVE_ARRAY_TYPE_INFO);
    return parallelism == 1 ? all : all.rebalance();
  }

  private static StreamExecutionEnvironment environment(int parallelism) {
    Configuration configuration = new Configuration();
    configuration.set(PipelineOptions.GENERIC_TYPES, false);
    StreamExecutionEnvironment env =
        StreamExecutionEnvironment.getExecutionEnvironment(configuration);
    env.setParallelism(parallelism);
    return env;
  }

  private static List<String> collected(DataStream<String> results) throws Exception {
    List<String> all = new ArrayList<>();
    try (CloseableIterator<String> iterator = results.executeAndCollect()) {
      iterator.forEachRemaining(all::add);
    }
    return all;
  }
}
