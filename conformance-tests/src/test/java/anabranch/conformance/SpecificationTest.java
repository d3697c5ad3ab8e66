package anabranch.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class SpecificationTest {
  private static final Pattern RULE =
      Pattern.compile("(?m)^\\*\\*([A-Z]\\d+(?:\\.\\d)?) [^*]+\\*\\*");
  private static final Pattern NAME =
      Pattern.compile("(?<![\\w.])([XADRSIET]\\d+(?:\\.\\d)?)(?![\\w])");

  /**
   * Rules of the chapter of terms say what words mean; they are tested where the words are used.
   */
  @Test
  void everyRuleIsNamedByATestOrSaysThatItIsNotTested() throws IOException {
    Set<String> named = new TreeSet<>(Kit.rules().keySet());
    try (Stream<Path> files = Files.walk(root())) {
      for (Path file : files.filter(SpecificationTest::isTest).toList()) {
        Matcher matcher = NAME.matcher(Files.readString(file));
        matcher.results().map(found -> found.group(1)).forEach(named::add);
      }
    }
    List<String> missing =
        rules().entrySet().stream()
            .filter(rule -> !rule.getKey().startsWith("T"))
            .filter(rule -> !rule.getValue().contains("*Not tested:*"))
            .map(Map.Entry::getKey)
            .filter(rule -> !named.contains(rule))
            .toList();
    assertEquals(List.of(), missing, "rules that no test names");
  }

  @Test
  void everyRuleThatTheKitNamesIsInTheSpecification() throws IOException {
    Set<String> unknown = new TreeSet<>(Kit.rules().keySet());
    unknown.removeAll(rules().keySet());
    assertEquals(Set.of(), unknown);
  }

  @Test
  void everyRuleSaysWhy() throws IOException {
    rules().forEach((rule, text) -> assertTrue(text.contains("*Why:*"), rule + " says no reason"));
  }

  private static boolean isTest(Path file) {
    String path = file.toString().replace('\\', '/');
    return path.contains("/src/test/") && path.matches(".*\\.(java|kt)");
  }

  private static Map<String, String> rules() throws IOException {
    String text = Files.readString(root().resolve("docs").resolve("specification.md"));
    List<MatchResult> found = RULE.matcher(text).results().toList();
    Map<String, String> rules = new LinkedHashMap<>();
    for (int i = 0; i < found.size(); i++) {
      int end = i + 1 < found.size() ? found.get(i + 1).start() : text.length();
      String before = rules.put(found.get(i).group(1), text.substring(found.get(i).start(), end));
      assertEquals(null, before, "rule " + found.get(i).group(1) + " stands twice");
    }
    assertTrue(rules.size() > 90, rules.size() + " rules");
    return rules;
  }

  private static Path root() {
    return Path.of(System.getProperty("basedir", ".")).toAbsolutePath().resolve("..").normalize();
  }
}
