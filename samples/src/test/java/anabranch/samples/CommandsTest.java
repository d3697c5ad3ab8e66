package anabranch.samples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The table of {@code docs/commands.md} is true: its commands work from a copy of the sources. */
class CommandsTest {
  private static final Path ROOT = Path.of("").toAbsolutePath().getParent();
  private static final Pattern ROW =
      Pattern.compile("\\| `(\\w+)` \\| `([^|`]+)` \\| ([^|]+) \\|(?: ([^|]*)\\|)?");

  /** One row of the table; the reason says why it is not run here. */
  private record Row(String name, String command, String reason) {}

  @TempDir Path folder;

  @Test
  void theReadmeShowsRunAndTestLetterByLetter() throws IOException {
    List<String> readme = Files.readAllLines(ROOT.resolve("README.md"));
    for (Row row : rows()) {
      if (row.name.equals("run") || row.name.equals("test")) {
        assertTrue(readme.contains(row.command), row.command);
      }
    }
  }

  @Test
  void everyRowWithoutAReasonWorksFromACopyOfTheSources() throws Exception {
    List<Row> rows = rows().stream().filter(row -> row.reason.isEmpty()).toList();
    assertFalse(rows.isEmpty(), "no command is run");
    Path copy = copy();
    for (Row row : rows) {
      Path output = folder.resolve(row.name + ".log");
      ProcessBuilder builder = new ProcessBuilder("bash", "-c", row.command);
      builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
      Process process =
          builder
              .directory(copy.toFile())
              .redirectErrorStream(true)
              .redirectOutput(output.toFile())
              .start();
      boolean ended = process.waitFor(5, TimeUnit.MINUTES);
      process.destroyForcibly();
      String text = Files.readString(output);
      assertTrue(ended, row.command + " did not end:\n" + text);
      assertEquals(0, process.exitValue(), row.command + ":\n" + text);
      if (row.name.equals("run") || row.name.equals("stdin")) {
        assertTrue(text.contains("agreement with full depth"), text);
        assertTrue(text.contains("alarms: a line is flagged"), text);
        assertEquals(row.name.equals("stdin"), text.contains("cannot be read twice"), text);
        Path report = copy.resolve("samples/target/surprise/report.html");
        assertTrue(Files.deleteIfExists(report), row.name + " wrote no " + report);
      }
      if (row.name.equals("plugin")) {
        assertTrue(text.contains("flat from round 5 to 20"), text);
      }
      if (row.name.equals("next")) {
        assertTrue(text.contains("failed on purpose: 1; bytes without an answer: 0,"), text);
        assertTrue(text.contains("answered twice: 0, out of their writer's order: 0"), text);
      }
      if (row.name.equals("flows")) {
        assertTrue(text.contains("otherwise than at full depth"), text);
        assertTrue(text.contains("left behind layer 3: "), text);
      }
      if (row.name.equals("app")) {
        assertTrue(text.contains("bits per byte: "), text);
        assertTrue(text.contains("took "), text);
      }
    }
  }

  private static List<Row> rows() throws IOException {
    List<Row> rows = new ArrayList<>();
    for (String line : Files.readAllLines(ROOT.resolve("docs/commands.md"))) {
      Matcher row = ROW.matcher(line);
      if (row.matches()) {
        String reason = row.group(4) == null ? "" : row.group(4).strip();
        rows.add(new Row(row.group(1), row.group(2), reason));
      } else {
        assertFalse(line.startsWith("| `"), "not a row: " + line);
      }
    }
    assertTrue(rows.size() >= 2, "rows " + rows);
    return rows;
  }

  /** Copies what a fresh clone would have, without the history. */
  private Path copy() throws IOException {
    Path copy = folder.resolve("anabranch");
    Files.walkFileTree(
        ROOT,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path from, BasicFileAttributes attributes)
              throws IOException {
            String name = from.getFileName().toString();
            if (name.equals("target") || name.equals(".git") || name.equals(".idea")) {
              return FileVisitResult.SKIP_SUBTREE;
            }
            Files.createDirectories(copy.resolve(ROOT.relativize(from).toString()));
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path from, BasicFileAttributes attributes)
              throws IOException {
            Files.copy(from, copy.resolve(ROOT.relativize(from).toString()));
            return FileVisitResult.CONTINUE;
          }
        });
    return copy;
  }
}
