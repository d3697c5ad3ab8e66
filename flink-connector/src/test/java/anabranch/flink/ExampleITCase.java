package anabranch.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.Event;
import anabranch.engine.EngineOptions;
import anabranch.engine.Inference;
import anabranch.flink.model.ModelRecipe;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.CloseableIterator;
import org.junit.jupiter.api.Test;

/** The example of {@link MicroBatchInference} is code that runs. */
class ExampleITCase {
  @Test
  void theExampleLabelsLines() throws Exception {
    StreamExecutionEnvironment environment = StreamExecutionEnvironment.createLocalEnvironment(1);
    DataStream<String> lines = environment.fromData("abc", "abcdefghij", "");
    List<String> results = new ArrayList<>();
    ModelRecipe recipe = new Script().recipe(EngineOptions.defaults());
    try (CloseableIterator<String> all = labelled(lines, recipe).executeAndCollect()) {
      all.forEachRemaining(results::add);
    }
    assertEquals(List.of("abc [3]", "abcdefghij [28, 17]", " []"), results);
  }

  @Test
  void theExampleIsTheOneThatIsShown() throws IOException {
    String shown =
        Files.readString(Path.of("src/main/java/anabranch/flink/MicroBatchInference.java"));
    shown = shown.substring(shown.indexOf("<pre>{@code") + 11, shown.indexOf("}</pre>"));
    String own = Files.readString(Path.of("src/test/java/anabranch/flink/ExampleITCase.java"));
    String example = shown.replaceAll("(?m)^ \\*", "").replaceAll("\\s+", "");
    assertTrue(own.replaceAll("\\s+", "").contains(example), shown);
  }

  private static DataStream<String> labelled(DataStream<String> lines, ModelRecipe recipe) {
    DataStream<String> labelled =
        MicroBatchInference.on(lines, recipe)
            .events((line, input) -> windows(line, input.maxLength()))
            .batchRecords(64)
            .linger(Duration.ofMillis(5))
            .map((line, inferences) -> line + " " + label(inferences), Types.STRING);
    return labelled;
  }

  static List<Event> windows(String line, int maxLength) {
    List<Event> windows = new ArrayList<>();
    for (int from = 0; from < line.length(); from += maxLength) {
      String window = line.substring(from, Math.min(line.length(), from + maxLength));
      windows.add(Event.ofTokens(window.chars().map(c -> c - 'a').toArray()));
    }
    return windows;
  }

  /** The scripted model answers with the sum of the tokens. */
  static List<Integer> label(List<Inference> inferences) {
    return inferences.stream().map(inference -> Math.round(inference.logits(0).get(0))).toList();
  }
}
