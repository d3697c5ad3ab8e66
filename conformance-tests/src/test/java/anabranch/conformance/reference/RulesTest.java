package anabranch.conformance.reference;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Every formula is one short method that names its rule, and the oracle knows no cut. */
class RulesTest {
  private static final Pattern RULE = Pattern.compile("Rule ([XARS][0-9]+(\\.[0-9]+)?)");
  private static final Path SOURCES =
      Path.of(System.getProperty("basedir", ""))
          .resolve("src/main/java/anabranch/conformance/reference");

  @Test
  void everyRuleIsNamed() throws IOException {
    TreeSet<String> named = new TreeSet<>();
    for (Path file : files()) {
      Matcher rule = RULE.matcher(Files.readString(file));
      while (rule.find()) {
        named.add(rule.group(1));
      }
    }
    TreeSet<String> expected = new TreeSet<>();
    for (int n = 1; n <= 10; n++) {
      expected.add("X" + n);
      expected.add("A" + n);
    }
    expected.addAll(List.of("X19", "X20"));
    expected.addAll(List.of("R0", "R1", "R2", "R3", "R4.1", "R4.2", "R4.3", "R4.4", "R4.5"));
    expected.addAll(List.of("R5", "R6.1", "R6.2", "R6.3", "R7", "R12", "S1", "S2", "S3"));
    expected.addAll(
        List.of("A18", "A19", "A20", "A21", "A22", "A25", "A26", "A27", "A28", "A29", "R13"));
    expected.addAll(List.of("A30", "A31", "S13"));
    assertEquals(expected, named);
  }

  @Test
  void aRuleIsAtMostThirtyLines() throws IOException {
    List<String> tall = new ArrayList<>();
    for (Path file : files()) {
      List<String> lines = Files.readAllLines(file);
      for (int i = 0; i < lines.size(); i++) {
        if (RULE.matcher(lines.get(i)).find() && lines.get(i).startsWith("  ")) {
          int begin = i;
          while (begin < lines.size() && !lines.get(begin).matches("  [a-z@A-Z].*")) {
            begin++;
          }
          int end = begin;
          while (end < lines.size() && !lines.get(end).matches("  }|  [A-Z]+[,;]")) {
            end++;
          }
          if (end - begin + 1 > 30) {
            tall.add(file.getFileName() + ": " + lines.get(begin).trim() + " " + (end - begin + 1));
          }
        }
      }
    }
    assertEquals(List.of(), tall);
  }

  @Test
  void filesOfTheOracleAreShortAndUseNoCut() throws IOException {
    List<String> wrong = new ArrayList<>();
    for (Path file : files()) {
      boolean ofBackend = file.getFileName().toString().startsWith("Reference");
      if (!ofBackend && Files.readString(file).contains("import anabranch.model.facts.")) {
        wrong.add(file + " uses the facts of the description");
      }
      if (Files.readAllLines(file).size() > 250) {
        wrong.add(file + " has more than 250 lines");
      }
    }
    assertEquals(List.of(), wrong);
  }

  private static List<Path> files() throws IOException {
    try (Stream<Path> files = Files.walk(SOURCES)) {
      List<Path> all = files.filter(file -> file.toString().endsWith(".java")).sorted().toList();
      assertEquals(true, all.size() > 30, all.size() + " files in " + SOURCES.toAbsolutePath());
      return all;
    }
  }
}
