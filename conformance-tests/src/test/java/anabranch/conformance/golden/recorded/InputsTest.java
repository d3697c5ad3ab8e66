package anabranch.conformance.golden.recorded;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.Event;
import anabranch.error.DescriptionException;
import anabranch.error.WeightsException;
import anabranch.weights.MemoryWeights;
import anabranch.weights.Safetensors;
import anabranch.weights.Tensor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class InputsTest {
  @TempDir Path folder;
  private final List<Tensor> arrays = new ArrayList<>();

  private void put(String name, List<Integer> shape, float... values) {
    arrays.add(MemoryWeights.tensor(name, shape, values));
  }

  private Recording recording() {
    Path file = folder.resolve("golden.safetensors");
    Safetensors.write(file, arrays);
    return Recording.open(file);
  }

  @Test
  void linesLoseTheirPaddingOnEitherSideAndBeginAtZero() {
    put("a.in.input_ids", List.of(2, 3), 0, 5, 6, 7, 8, 0);
    put("a.in.attention_mask", List.of(2, 3), 0, 1, 1, 1, 1, 0);
    put("a.in.position_ids", List.of(2, 3), 0, 0, 1, 0, 1, 1);
    Inputs inputs = Inputs.whole(recording(), "a", false);
    assertEquals(List.of(Event.ofTokens(5, 6)), inputs.sequences().get(0).events());
    assertEquals(List.of(Event.ofTokens(7, 8)), inputs.sequences().get(1).events());
    Batch batch = inputs.steps().get(0);
    assertEquals(2, batch.at(0, 1));
    assertEquals(3, batch.at(1, 0));
    assertEquals(6, batch.padded());
  }

  @Test
  void positionsThatDoNotBeginAtZeroAreRefused() {
    put("a.in.input_ids", List.of(1, 2), 5, 6);
    put("a.in.position_ids", List.of(1, 2), 3, 4);
    Recording recording = recording();
    DescriptionException refused =
        assertThrows(DescriptionException.class, () -> Inputs.whole(recording, "a", false));
    assertTrue(refused.getMessage().contains("position 3 at row 0"), refused.getMessage());
  }

  @Test
  void stepsContinueEachLineWhereItEnded() {
    put("a.in.input_ids", List.of(2, 3), 1, 2, 3, 4, 5, 0);
    put("a.in.attention_mask", List.of(2, 3), 1, 1, 1, 1, 1, 0);
    put("a.step0.input_ids", List.of(2, 3), 1, 2, 3, 4, 5, 0);
    put("a.step1.input_ids", List.of(2, 1), 6, 7);
    List<String> keys = List.of("a.step0.input_ids", "a.step1.input_ids");
    Inputs inputs = Inputs.inSteps(recording(), "a", false, keys);
    assertEquals(
        List.of(Event.ofTokens(4, 5), Event.ofTokens(7).at(2)), inputs.sequences().get(1).events());
    assertEquals(3, inputs.first(1, 0));
    Inputs whole = inputs.joined();
    assertEquals(List.of(Event.ofTokens(4, 5, 7)), whole.sequences().get(1).events());
    assertEquals(3 + 4, whole.steps().get(0).at(1, 2));
  }

  @Test
  void encodersReadTheirOwnLines() {
    put("a.in.input_ids", List.of(1, 3), 1, 2, 0);
    put("a.in.attention_mask", List.of(1, 3), 1, 1, 0);
    put("a.in.decoder_input_ids", List.of(1, 2), 8, 9);
    Inputs inputs = Inputs.whole(recording(), "a", true);
    assertEquals(Event.ofTokens(1, 2), inputs.sequences().get(0).memory());
    assertEquals(List.of(Event.ofTokens(8, 9)), inputs.sequences().get(0).events());
  }

  @Test
  void casesComeInOrderOfTheirNumbers() {
    for (String name : List.of("case10", "case9", "case1")) {
      put(name + ".in.input_ids", List.of(1, 1), 1);
    }
    assertEquals(List.of("case1", "case9", "case10"), recording().cases());
  }

  @Test
  void arraysThatNobodyReadAreNamedUnlessTheyAreInner() {
    put("a.in.input_ids", List.of(1, 1), 1);
    put("a.hidden.layer", List.of(1), 1);
    put("a.logits", List.of(1), 1);
    put("a.surprise", List.of(1), 0.5f);
    Recording recording = recording();
    recording.floats("a.logits");
    assertEquals(List.of("a.surprise"), recording.unread());
    assertThrows(WeightsException.class, () -> recording.ints("a.surprise"));
  }
}
