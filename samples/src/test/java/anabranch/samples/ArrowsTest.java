package anabranch.samples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.spi.ToolProvider;
import org.junit.jupiter.api.Test;

/** The arrows of {@code docs/architecture.md}, read from the class files by the JDK's jdeps. */
class ArrowsTest {
  /** For each room the rooms it may use; a room stands for the packages below it too. */
  private static final Map<String, Set<String>> ALLOWED = new LinkedHashMap<>();

  static {
    ALLOWED.put("error", Set.of());
    ALLOWED.put("model", Set.of("error"));
    ALLOWED.put("weights", Set.of("model", "error"));
    ALLOWED.put("routing", Set.of("model", "error"));
    ALLOWED.put("backend", Set.of("model", "weights", "error"));
    ALLOWED.put("engine", Set.of("backend", "routing", "model", "weights", "error"));
    ALLOWED.put("json", Set.of("engine", "model", "error"));
    ALLOWED.put("checkpoint", Set.of("json", "weights", "model", "error"));
    Set<String> sdk =
        Set.of("engine", "backend", "weights", "json", "checkpoint", "model", "error");
    ALLOWED.put("dsl", sdk);
    ALLOWED.put("flow", sdk);
    ALLOWED.put("typed", Set.of("flow", "engine", "backend", "model", "error"));
    ALLOWED.put("flink", sdk);
    ALLOWED.put("conformance", sdk);
    ALLOWED.put("onnx", Set.of("backend", "routing", "weights", "model", "error"));
  }

  /** Packages that know each other, group by group; there are to be fewer, never more. */
  private static final Set<Set<String>> CIRCLES =
      Set.of(
          Set.of("model.layer", "model.route"),
          Set.of("flink", "flink.step", "flink.update"),
          Set.of("conformance.system", "conformance.system.bank", "conformance.system.stored"));

  private static final Pattern ARROW =
      Pattern.compile("^\\s+anabranch\\.(\\S+)\\s+-> anabranch\\.(\\S+)");

  @Test
  void everyArrowPointsDown() throws Exception {
    Map<String, Set<String>> arrows = arrows();
    List<String> wrong = new ArrayList<>();
    arrows.forEach(
        (from, targets) -> {
          Set<String> allowed = ALLOWED.get(room(from));
          assertTrue(allowed != null, "room \"" + from + "\" has no place in the picture");
          for (String to : targets) {
            if (!room(to).equals(room(from)) && !allowed.contains(room(to))) {
              wrong.add(from + " -> " + to);
            }
          }
        });
    assertEquals(List.of(), wrong);
  }

  @Test
  void noOtherPackagesKnowEachOtherThanThoseThatAreNamed() throws Exception {
    Map<String, Set<String>> arrows = arrows();
    Map<String, Set<String>> reached = new TreeMap<>();
    arrows.keySet().forEach(from -> reached.put(from, reached(arrows, from)));
    Set<Set<String>> circles = new HashSet<>();
    reached.forEach(
        (from, all) -> {
          if (all.contains(from)) {
            Set<String> circle = new TreeSet<>(all);
            circle.removeIf(to -> !reached.getOrDefault(to, Set.of()).contains(from));
            circles.add(circle);
          }
        });
    assertEquals(CIRCLES, circles);
  }

  /** Returns where arrows lead from a package, itself if they lead back. */
  private static Set<String> reached(Map<String, Set<String>> arrows, String from) {
    Set<String> reached = new TreeSet<>();
    Deque<String> next = new ArrayDeque<>(List.of(from));
    while (!next.isEmpty()) {
      for (String to : arrows.getOrDefault(next.remove(), Set.of())) {
        if (reached.add(to)) {
          next.add(to);
        }
      }
    }
    return reached;
  }

  @Test
  void theOracleKnowsNeitherRoutingNorTheEngine() throws Exception {
    Set<String> used = arrows().getOrDefault("conformance.reference", Set.of());
    assertTrue(used.contains("model"), "jdeps saw " + used);
    assertTrue(!used.contains("routing") && !used.contains("engine"), "the oracle uses " + used);
  }

  @Test
  void everyRoomIsSeen() throws Exception {
    Set<String> seen = new TreeSet<>();
    arrows().keySet().forEach(name -> seen.add(room(name)));
    Set<String> expected = new TreeSet<>(ALLOWED.keySet());
    expected.remove("error");
    assertEquals(expected, seen);
  }

  private static String room(String name) {
    int dot = name.indexOf('.');
    return dot < 0 ? name : name.substring(0, dot);
  }

  private static Map<String, Set<String>> arrows() throws URISyntaxException {
    List<String> arguments =
        new ArrayList<>(List.of("--multi-release", "base", "-verbose:package"));
    for (Class<?> member :
        List.of(
            anabranch.model.ModelSpec.class,
            anabranch.onnx.OnnxBackend.class,
            anabranch.flink.MicroBatchInference.class,
            anabranch.conformance.BackendConformance.class,
            anabranch.flow.EngineFlows.class)) {
      Path place = Path.of(member.getProtectionDomain().getCodeSource().getLocation().toURI());
      arguments.add(place.toString());
    }
    StringWriter out = new StringWriter();
    ToolProvider jdeps = ToolProvider.findFirst("jdeps").orElseThrow();
    PrintWriter printer = new PrintWriter(out);
    assertEquals(0, jdeps.run(printer, printer, arguments.toArray(String[]::new)), out.toString());
    Map<String, Set<String>> arrows = new TreeMap<>();
    for (String line : out.toString().split("\n")) {
      Matcher arrow = ARROW.matcher(line);
      if (arrow.find()) {
        arrows.computeIfAbsent(arrow.group(1), any -> new TreeSet<>()).add(arrow.group(2));
      }
    }
    assertTrue(arrows.size() > 5, "jdeps saw only " + arrows.keySet());
    return arrows;
  }
}
