package anabranch.samples.surprise;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.samples.text.TextSource;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SurpriseJobTest {
  private static final Path BUNDLED = Path.of("text/odd/Orders.java");
  private static final Path WEIGHTS = Path.of("models/surprise.safetensors");

  private static List<LineScore> bundled;

  @TempDir Path folder;

  @BeforeAll
  static void scoreTheBundledText() throws Exception {
    bundled = run(BUNDLED);
  }

  @Test
  void everyLineIsScoredOnceAndInOrder() throws Exception {
    List<LineScore> scores = bundled;
    List<String> lines = Files.readAllLines(BUNDLED);
    assertEquals(lines.size(), scores.size());
    for (int i = 0; i < lines.size(); i++) {
      LineScore score = scores.get(i);
      assertEquals(i + 1, score.number());
      assertEquals(lines.get(i).isBlank() ? 0 : lines.get(i).length() + 1, score.bytes());
      assertEquals(score.bytes(), Arrays.stream(score.exits()).sum());
      assertByByteAddsUp(score);
      assertTrue(score.left() >= score.received());
    }
  }

  @Test
  void theOddLinesAreTheMostSurprising() throws Exception {
    Tally tally = tally(bundled);
    String oddest = tally.oddest().stream().map(score -> score.shown(96)).toList().toString();
    for (String odd : List.of("API_KEY", "snutrmsue", "def total_of", "getRuntime")) {
      assertTrue(oddest.contains(odd), odd + " is not among " + oddest);
    }
  }

  @Test
  void leavingEarlyRunsFewerBlocksAndAgreesWithFullDepth() throws Exception {
    Tally tally = tally(bundled);
    assertTrue(tally.blocksRun < 6 * tally.bytes, "blocks " + tally.blocksRun);
    assertTrue(tally.flops < tally.fullFlops, "flops " + tally.flops + " of " + tally.fullFlops);
    assertEquals(2 * tally.exits[0] + 4 * tally.exits[1] + 6 * tally.exits[2], tally.blocksRun);
    assertTrue(tally.exits[0] > 0 && tally.exits[1] > 0 && tally.exits[2] > 0);
    assertTrue(tally.auditedLines > 0, "no line was audited");
    assertTrue(tally.agreed >= 0.9 * tally.audited, tally.agreed + " of " + tally.audited);
    assertTrue(tally.agreed <= tally.audited);
  }

  @Test
  void expertsSeeEveryByteOfTheBlocksItRan() throws Exception {
    Tally tally = tally(bundled);
    long[] ran = {
      tally.bytes,
      tally.bytes,
      tally.bytes - tally.exits[0],
      tally.bytes - tally.exits[0],
      tally.exits[2],
      tally.exits[2]
    };
    for (int block = 0; block < ran.length; block++) {
      long seen = 0;
      for (int e = 0; e < LineScorer.EXPERTS; e++) {
        seen += tally.load[block * LineScorer.EXPERTS + e];
      }
      assertEquals(ran[block], seen, "block " + block);
    }
  }

  @Test
  void aLongLineIsSplitAndNoByteIsLost() throws Exception {
    String text = "int x = 1; ".repeat(100);
    List<LineScore> scores = run(Files.writeString(folder.resolve("long.java"), text));
    assertEquals(1, scores.size());
    assertEquals(text.length(), scores.get(0).bytes());
    assertEquals(text.length(), Arrays.stream(scores.get(0).exits()).sum());
  }

  @Test
  void blankLinesAreCountedAndScoreNothing() throws Exception {
    Path file = Files.writeString(folder.resolve("blank.txt"), "\n  \n\t\n");
    Tally tally = tally(run(file));
    assertEquals(3, tally.lines);
    assertEquals(3, tally.blank);
    assertTrue(Report.of(tally, null).contains("nothing to score"));
  }

  @Test
  void anEmptyTextHasNoScoresAndHidesNoOther() throws Exception {
    Files.writeString(folder.resolve("a.txt"), "");
    Files.writeString(folder.resolve("b.txt"), "int b;\n");
    Files.writeString(folder.resolve("c.txt"), "");
    assertEquals(1, run(folder).size());
    assertEquals(List.of(), run(folder.resolve("a.txt")));
    assertTrue(Report.of(tally(List.of()), null).contains("nothing to score"));
  }

  @Test
  void theReportNamesSpeedDepthLoadAndAgreement() throws Exception {
    Tally tally = tally(bundled);
    String report = Report.of(tally, null);
    for (String word :
        List.of(
            "device",
            "cpu",
            "lines/s",
            "bytes/s",
            "p50",
            "p99",
            "bytes leaving",
            "early",
            "middle",
            "depth",
            "agreement with full depth",
            "block 5",
            "cannot be read twice")) {
      assertTrue(report.contains(word), word + " is not in\n" + report);
    }
  }

  private static List<LineScore> run(Path file) throws Exception {
    List<LineScore> scores = new ArrayList<>();
    SurpriseJob.run(
        TextSource.of(List.of(file.toString())), SurpriseJob.recipe("onnx", WEIGHTS), scores::add);
    return scores;
  }

  private static Tally tally(List<LineScore> scores) {
    Tally tally = new Tally(SurpriseJob.exitNames().size(), LineScorer.BLOCKS * LineScorer.EXPERTS);
    scores.forEach(tally::add);
    return tally;
  }

  private static void assertByByteAddsUp(LineScore score) {
    double bits = 0;
    int[] exits = new int[score.exits().length];
    for (int i = 0; i < score.bytes(); i++) {
      bits += score.byteBits()[i];
      exits[score.byteExits()[i]]++;
    }
    assertEquals(score.bits(), bits, 1e-4 * score.bytes());
    assertArrayEquals(score.exits(), exits);
  }
}
