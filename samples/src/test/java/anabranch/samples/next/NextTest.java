package anabranch.samples.next;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.LoadOptions;
import anabranch.engine.Backends;
import anabranch.engine.Engine;
import anabranch.engine.EngineOptions;
import anabranch.engine.Inference;
import anabranch.engine.Item;
import anabranch.samples.surprise.Bits;
import anabranch.samples.surprise.SurpriseJob;
import anabranch.samples.surprise.SurpriseModel;
import anabranch.samples.surprise.Windows;
import anabranch.weights.Safetensors;
import anabranch.weights.Weights;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NextTest {
  private static final Path WEIGHTS = Path.of("models/surprise.safetensors");

  private static Writers writers;
  private static List<Answer> answers;

  @BeforeAll
  static void typeTheBundledText(@TempDir Path folder) throws Exception {
    Path checkpoints = Files.createDirectory(folder.resolve("checkpoints"));
    Path longer = Files.writeString(folder.resolve("long"), "int x = 1; ".repeat(25) + "\n}");
    writers = Writers.of(List.of(Path.of("text/odd/Orders.java"), longer), 12);
    answers =
        NextJob.run(
            "next-test", writers.strokes(7), SurpriseJob.recipe("onnx", WEIGHTS), 2, checkpoints);
  }

  @Test
  void everyByteIsAnsweredOnceAndInTheOrderOfItsWriter() {
    Map<String, Long> next = new HashMap<>();
    for (Answer answer : answers) {
      long expected = next.merge(answer.writer(), 1L, Long::sum) - 1;
      assertEquals(expected, answer.number(), answer.writer());
    }
    Map<String, Long> lengths = new HashMap<>();
    writers.texts().forEach((writer, text) -> lengths.put(writer, (long) text.length));
    assertEquals(lengths, next);
    assertEquals(1, Stumble.falls("next-test"), "the job was to fail once");
  }

  @Test
  void aByteIsAsSurprisingAsWhenItsWholeLineComesAtOnce() {
    Map<String, double[]> bits = new LinkedHashMap<>();
    writers.texts().forEach((writer, text) -> bits.put(writer, new double[text.length]));
    for (Answer answer : answers) {
      bits.get(answer.writer())[(int) answer.number()] = answer.bits();
    }
    try (Weights weights = Safetensors.open(WEIGHTS);
        Engine engine =
            Engine.open(
                Backends.named("onnx")
                    .load(SurpriseModel.getSurpriseModel(), weights, LoadOptions.defaults()),
                SurpriseModel.getSurprisePolicy(),
                EngineOptions.defaults())) {
      writers.texts().forEach((writer, text) -> compare(engine, text, bits.get(writer)));
    }
  }

  private static void compare(Engine engine, byte[] text, double[] bits) {
    int from = 0;
    for (int at = 0; at < text.length; at++) {
      if (text[at] == '\n' || at == text.length - 1) {
        byte[] line = Arrays.copyOfRange(text, from, at + 1);
        int unit = from;
        for (var window : Windows.of(line)) {
          Inference whole = engine.infer(Item.of("line", window));
          for (int row = 0; row < whole.units(); row++, unit++) {
            assertEquals(Bits.of(whole, row, text[unit] & 0xff), bits[unit], 1e-4, "byte " + unit);
          }
        }
        from = at + 1;
      }
    }
  }

  @Test
  void oddPlacesAreAmongTheMostSurprisingMoments() {
    List<String> shown = new ArrayList<>();
    for (Report.Moment moment : new Report(writers, answers).moments().subList(0, 8)) {
      byte[] text = writers.texts().get(moment.writer());
      int from = Math.max(0, moment.from() - 20);
      int to = Math.min(text.length, moment.to() + 20);
      shown.add(new String(text, from, to - from, StandardCharsets.UTF_8));
    }
    for (String odd : List.of("snutrmsue", "203.0.113.7", "q7Zt0vLx")) {
      assertTrue(shown.stream().anyMatch(text -> text.contains(odd)), odd + " not in " + shown);
    }
  }

  @Test
  void boringBytesLeaveEarlyAndTheReportSaysSo() {
    long early = answers.stream().filter(answer -> answer.exit() == 0).count();
    assertTrue(early > 0 && early < answers.size(), early + " of " + answers.size());
    String text = new Report(writers, answers).text();
    assertTrue(text.contains("Orders.java"), text);
    assertTrue(text.contains("early "), text);
  }
}
