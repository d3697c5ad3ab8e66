package anabranch.samples.kinds;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.flink.model.ModelRecipe;
import anabranch.samples.surprise.SurpriseJob;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KindsTest {
  private static final ModelRecipe RECIPE =
      SurpriseJob.recipe("onnx", Path.of("models/surprise.safetensors"));

  @TempDir Path folder;

  @Test
  void theTableHasARowForEachKindOfEnoughLines() throws Exception {
    List<String> lines = new ArrayList<>();
    for (String name : List.of("Engine", "EngineOptions", "Inference")) {
      Path source = Path.of("../sdk-api/src/main/java/anabranch/engine", name + ".java");
      Files.readAllLines(source).stream().filter(line -> !line.isBlank()).forEach(lines::add);
    }
    lines = lines.subList(0, 240);
    Files.write(folder.resolve("a.java"), lines);
    Files.write(folder.resolve("b.md"), lines.subList(0, 50));
    String table = Kinds.table(folder.toString(), RECIPE);
    List<String> rows = table.lines().toList();
    assertEquals(5, rows.size(), table);
    assertEquals(cells(rows.get(0)).length, cells(rows.get(1)).length, table);
    String[] java = cells(rows.get(2));
    assertEquals(cells(rows.get(0)).length, java.length, table);
    assertEquals("java", java[1].strip());
    assertEquals("120", java[2].strip());
    assertEquals("Left out, too few lines: md (50 lines).", rows.get(4));
    double secrets = Double.parseDouble(java[8].replace("%", "").strip());
    assertTrue(secrets >= 80, table);
    double early = 0;
    for (int exit = 10; exit < 13; exit++) {
      early += Double.parseDouble(java[exit].replace("%", "").strip());
    }
    assertEquals(100, early, 1.5, table);
  }

  @Test
  void aFolderWithTooFewLinesIsRefused() throws IOException {
    Files.writeString(folder.resolve("a.java"), "int a;\n");
    IOException refused =
        assertThrows(IOException.class, () -> Kinds.table(folder.toString(), RECIPE));
    assertTrue(
        refused.getMessage().contains("has 200 lines: [java (1 lines)]"), refused.toString());
  }

  @Test
  void blocksAreTakenFromAllOfAKindInADrawnOrder() throws IOException {
    List<String> written = new ArrayList<>();
    for (int file = 0; file < 20; file++) {
      List<String> lines = new ArrayList<>();
      for (int i = 0; i < 55; i++) {
        lines.add("line " + written.size());
        written.add(lines.get(lines.size() - 1) + "\n");
        lines.add("");
      }
      Files.write(folder.resolve(String.format("%02d.txt", file)), lines);
    }
    List<String> drawn = lines(200, 1);
    assertEquals(200, drawn.size());
    List<Integer> starts = new ArrayList<>();
    for (int block = 0; block < 4; block++) {
      int start = written.indexOf(drawn.get(50 * block));
      assertEquals(written.subList(start, start + 50), drawn.subList(50 * block, 50 * block + 50));
      starts.add(start);
    }
    assertEquals(drawn, lines(200, 1));
    assertEquals(written.size(), lines(10_000, 1).stream().distinct().count());
    List<Integer> inOrder = starts.stream().sorted().toList();
    assertEquals(List.of(250, 500, 800, 1050), inOrder);
    boolean elsewhere = false;
    for (long seed = 2; seed < 9; seed++) {
      elsewhere |= !lines(200, seed).equals(drawn);
    }
    assertTrue(elsewhere, "the order does not depend on the seed");
  }

  @Test
  void theFirstHalfOfAKindIsNormal() throws IOException {
    Files.writeString(folder.resolve("a.txt"), "1\n2\n \n3\n4\n5\n");
    KindText text = KindText.read(folder.toString(), 4_000, 1).get(0);
    assertEquals(List.of("1\n", "2\n"), strings(text.normal()));
    assertEquals(List.of("3\n", "4\n", "5\n"), strings(text.others()));
  }

  private List<String> lines(int most, long seed) throws IOException {
    return strings(KindText.read(folder.toString(), most, seed).get(0).lines());
  }

  private static List<String> strings(List<byte[]> lines) {
    return lines.stream().map(line -> new String(line, StandardCharsets.UTF_8)).toList();
  }

  private static String[] cells(String row) {
    return row.split("\\|");
  }
}
