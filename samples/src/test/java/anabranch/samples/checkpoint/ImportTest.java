package anabranch.samples.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.checkpoint.Checkpoint;
import anabranch.json.Descriptions;
import anabranch.weights.Safetensors;
import anabranch.weights.Tensor;
import anabranch.weights.Weights;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** A recorded checkpoint, imported: what is printed is what it is, and how it was continued. */
class ImportTest {
  private static final String FOLDER =
      "../conformance-tests/src/main/resources/anabranch/conformance/golden/models/gpt_oss";
  private static final int PROMPT = 6;

  @Test
  void tokensAreContinuedAsThePublishedCodeDid() {
    List<Integer> recorded = recorded();
    String prompt =
        recorded.subList(0, PROMPT).stream().map(String::valueOf).collect(Collectors.joining(","));
    int more = recorded.size() - PROMPT;
    String said = said(FOLDER, "--ids", prompt, "--new", "" + more);
    assertTrue(said.contains("continued: " + recorded + "\n"), said);
    assertTrue(said.contains("row 5: label " + recorded.get(PROMPT) + ", after 3 of 3"), said);
    assertTrue(said.contains("arithmetic: 100 % of full depth"), said);
  }

  @Test
  void theDescriptionIsPrintedInBothLanguagesAndItsSizeBehind() {
    String said = said(FOLDER);
    try (Checkpoint checkpoint = Checkpoint.open(Path.of(FOLDER))) {
      assertTrue(said.startsWith(Descriptions.text(checkpoint.spec())), said);
    }
    assertTrue(said.contains("      router = gptOss(2),\n"), said);
    // 3 layers keep 2 heads of 8 numbers, keys and values, of 4 bytes.
    assertTrue(said.contains("state: 384 bytes for each token, 0 for a sequence"), said);
  }

  @Test
  void expertsThatRestAreTheDifferenceBetweenFullAndActive() {
    try (Checkpoint checkpoint = Checkpoint.open(Path.of(FOLDER))) {
      Figures figures = Figures.of(checkpoint.spec());
      // 3 layers, 6 of 8 experts, 3 matrices of 32 x 24, two operations a number.
      assertEquals(3 * 6 * 3 * 32 * 24 * 2, figures.full() - figures.active());
    }
  }

  @Test
  void whatCannotBeDoneIsSaidByOptionAndValue() {
    assertRefused("--ids \"x\" is not a whole number from 0 on", FOLDER, "--ids", "1,x");
    assertRefused("--ids 99999 is not in 0..", FOLDER, "--ids", "99999");
    assertRefused("--new and --read need --ids", FOLDER, "--new", "3");
    assertRefused("--read [4]: there is no encoder", FOLDER, "--ids", "1", "--read", "4");
    assertRefused("--set \"exits\" is not NAME=VALUE", FOLDER, "--set", "exits");
    assertRefused("option \"--id\" is unknown", FOLDER, "--id", "3");
    assertRefused("--new needs a value", FOLDER, "--ids", "3", "--new");
    assertRefused("no folder is given");
  }

  private static void assertRefused(String start, String... args) {
    String said = assertThrows(IllegalArgumentException.class, () -> said(args)).getMessage();
    assertTrue(said.startsWith(start), said);
  }

  private static String said(String... args) {
    StringBuilder said = new StringBuilder();
    Import.run(Arguments.of(args), line -> said.append(line).append('\n'));
    return said.toString();
  }

  /** Returns the first of the recorded sequences. */
  private static List<Integer> recorded() {
    List<Integer> ids = new ArrayList<>();
    try (Weights golden = Safetensors.open(Path.of(FOLDER, "golden.safetensors"))) {
      Tensor all = golden.tensor("decode.greedy_ids");
      ByteBuffer bytes = all.bytes();
      int columns = all.shape().get(1);
      for (int i = 0; i < columns; i++) {
        long id = all.type().bytes() == 8 ? bytes.getLong(8 * i) : bytes.getInt(4 * i);
        ids.add((int) id);
      }
    }
    return ids;
  }
}
