package anabranch.flink.keyed;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.Event;
import anabranch.engine.Inference;
import anabranch.flink.model.ModelRecipe;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.CloseableIterator;
import org.junit.jupiter.api.Test;

/** The example of {@link KeyedSequenceInference} is code that runs. */
class SequencesExampleITCase {
  @Test
  void theExampleScoresWords() throws Exception {
    StreamExecutionEnvironment environment = StreamExecutionEnvironment.createLocalEnvironment(1);
    List<Word> all = List.of(Word.of("a", 0, 1), Word.of("b", 0, 2), Word.last("a", 1, 3));
    DataStream<Word> words = environment.fromData(all, TypeInformation.of(Word.class));
    List<String> results = new ArrayList<>();
    try (CloseableIterator<String> some = scored(words, new Talk().recipe()).executeAndCollect()) {
      some.forEachRemaining(results::add);
    }
    assertEquals(
        List.of("a", "b", "a"), results.stream().map(text -> text.substring(0, 1)).toList());
    assertTrue(results.stream().allMatch(text -> text.matches("[ab] [012]")), results::toString);
  }

  @Test
  void theExampleIsTheOneThatIsShown() throws IOException {
    String shown =
        Files.readString(
            Path.of("src/main/java/anabranch/flink/keyed/KeyedSequenceInference.java"));
    shown = shown.substring(shown.indexOf("<pre>{@code") + 11, shown.indexOf("}</pre>"));
    String own =
        Files.readString(
            Path.of("src/test/java/anabranch/flink/keyed/SequencesExampleITCase.java"));
    String example = shown.replaceAll("(?m)^ \\*", "").replaceAll("\\s+", "");
    assertTrue(own.replaceAll("\\s+", "").contains(example), shown);
  }

  private static DataStream<String> scored(DataStream<Word> words, ModelRecipe recipe) {
    DataStream<String> scored =
        KeyedSequenceInference.on(words.keyBy(Word::speaker), recipe)
            .uid("next-word")
            .events((word, input) -> List.of(Event.ofTokens(word.tokens())))
            .ends(Word::last)
            .ttl(Duration.ofHours(1))
            .cacheBytes(64 << 20)
            .map((word, inferences) -> word.speaker() + " " + next(inferences), Types.STRING);
    return scored;
  }

  /** The likeliest label of the last row. */
  private static int next(List<Inference> inferences) {
    Inference last = inferences.get(inferences.size() - 1);
    return last.label(last.units() - 1);
  }
}
