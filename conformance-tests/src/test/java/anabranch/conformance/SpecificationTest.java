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
      Pattern.compile("(?<![\\w.])([XADRSIETQM]\\d+(?:\\.\\d)?)(?![\\w])");

  private static final Pattern REFUSAL =
      Pattern.compile(",\\s*\"([XADRSIETQM]\\d+(?:\\.\\d)?)\"\\s*\\)");
  private static final Pattern SEEN = Pattern.compile("\\(rule ([XADRSIETQM]\\d+(?:\\.\\d)?)\\)\"");

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

  /** A call that hands a rule to a refusal has it as the last of several arguments. */
  @Test
  void everyRuleThatARefusalNamesIsInTheSpecification() throws IOException {
    Set<String> named = new TreeSet<>();
    try (Stream<Path> files = Files.walk(root())) {
      for (Path file : files.filter(SpecificationTest::refuses).toList()) {
        Matcher matcher = REFUSAL.matcher(Files.readString(file));
        matcher.results().map(found -> found.group(1)).forEach(named::add);
      }
    }
    assertTrue(named.containsAll(Set.of("A17", "D3", "E2", "S6")), named.toString());
    named.removeAll(rules().keySet());
    assertEquals(Set.of(), named);
  }

  @Test
  void everyRuleThatSaysWhatMustBeRefusedIsNamedByTheMessageThatATestSees() throws IOException {
    Set<String> seen = new TreeSet<>();
    try (Stream<Path> files = Files.walk(root())) {
      for (Path file : files.filter(SpecificationTest::isKitOrTest).toList()) {
        Matcher matcher = SEEN.matcher(Files.readString(file));
        matcher.results().map(found -> found.group(1)).forEach(seen::add);
      }
    }
    Set<String> stated = new TreeSet<>();
    rules()
        .forEach(
            (rule, text) -> {
              if (text.split("\\*Why:")[0].contains("MUST be refused")) {
                stated.add(rule);
              }
            });
    assertTrue(stated.remove("E1") && stated.remove("E3"), "rules about all refusals: " + stated);
    assertEquals(
        Set.of("A30", "D3", "D5", "E2", "E7", "R13", "S6"), stated, "rules that state a refusal");
    stated.removeAll(seen);
    assertEquals(Set.of(), stated, "rules whose message no test looks at");
  }

  @Test
  void everyRuleSaysWhy() throws IOException {
    rules().forEach((rule, text) -> assertTrue(text.contains("*Why:*"), rule + " says no reason"));
  }

  /** Faults name systems, whose rows are written like rules. */
  private static boolean refuses(Path file) {
    return isSource(file) && !file.getParent().endsWith("faulty");
  }

  private static boolean isSource(Path file) {
    String path = file.toString().replace('\\', '/');
    return path.contains("/src/main/") && path.matches(".*\\.(java|kt)");
  }

  private static boolean isKitOrTest(Path file) {
    return isTest(file) || isSource(file) && file.toString().contains("conformance");
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
