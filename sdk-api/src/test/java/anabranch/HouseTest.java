package anabranch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Small rooms with a sign at the door, in every module of the repository. */
class HouseTest {
  private static final int MOST_FILES = 16;
  private static final int MOST_LINES = 600;
  private static final Pattern MODULE = Pattern.compile("<module>([^<]+)</module>");
  private static final Pattern ROOM = Pattern.compile("\\n\\| `(anabranch[a-z.]*)` \\|");
  private static final Pattern SIGN = Pattern.compile("This room is for .+ not for .+");

  @Test
  void packagesHaveFewFiles() throws IOException {
    List<String> crowded = new ArrayList<>();
    packages("main", "test")
        .forEach(
            (name, files) -> {
              if (files.size() > MOST_FILES) {
                crowded.add(name + " has " + files.size() + " files, more than " + MOST_FILES);
              }
            });
    assertEquals(List.of(), crowded);
  }

  @Test
  void filesAreShort() throws IOException {
    List<String> tall = new ArrayList<>();
    for (List<Path> files : packages("main", "test").values()) {
      for (Path file : files) {
        int lines = Files.readAllLines(file).size();
        if (lines > MOST_LINES) {
          tall.add(file + " has " + lines + " lines, more than " + MOST_LINES);
        }
      }
    }
    assertEquals(List.of(), tall);
  }

  @Test
  void packagesSayWhatTheyAreForAndJavaHoldsNoNulls() throws IOException {
    List<String> unsigned = new ArrayList<>();
    for (Map.Entry<String, List<Path>> each : packages("main").entrySet()) {
      List<Path> signs =
          each.getValue().stream().filter(file -> file.endsWith("package-info.java")).toList();
      String sign = signs.isEmpty() ? "" : Files.readString(signs.get(0));
      String words = sign.replaceAll("[\\s*]+", " ");
      boolean java =
          each.getValue().stream()
              .anyMatch(file -> file.toString().endsWith(".java") && !signs.contains(file));
      if (!SIGN.matcher(words).find() || java && !sign.contains("@NullMarked")) {
        unsigned.add(each.getKey());
      }
    }
    assertEquals(List.of(), unsigned);
  }

  /** Those of programs have none. */
  @Test
  void everyRoomHasALineInTheListOfRooms() throws IOException {
    Set<String> rooms = new TreeSet<>();
    for (String each : packages("main").keySet()) {
      if (!each.startsWith("samples") && !each.startsWith("benchmarks")) {
        rooms.add(each.substring(each.indexOf(' ') + 1));
      }
    }
    Set<String> listed = new TreeSet<>();
    ROOM.matcher(Files.readString(root().resolve("docs/architecture.md")))
        .results()
        .forEach(found -> listed.add(found.group(1)));
    assertEquals(rooms, listed);
  }

  @Test
  void thisModuleIsAmongThoseLookedAt() throws IOException {
    Map<String, List<Path>> packages = packages("main", "test");
    assertTrue(packages.size() > 10, packages.keySet().toString());
    List<Path> here = packages.get("sdk-api/src/test anabranch");
    assertTrue(here.stream().anyMatch(file -> file.endsWith("HouseTest.java")), here.toString());
  }

  /** Returns the Java and Kotlin files of each package, by module, source set and package. */
  private static Map<String, List<Path>> packages(String... sets) throws IOException {
    Path root = root();
    List<String> modules =
        MODULE
            .matcher(Files.readString(root.resolve("pom.xml")))
            .results()
            .map(found -> found.group(1))
            .toList();
    Map<String, List<Path>> packages = new TreeMap<>();
    for (String module : modules) {
      for (String set : sets) {
        for (String language : List.of("java", "kotlin")) {
          Path sources = root.resolve(module).resolve("src").resolve(set).resolve(language);
          collect(module + "/src/" + set, sources, packages);
        }
      }
    }
    return packages;
  }

  private static void collect(String set, Path sources, Map<String, List<Path>> packages)
      throws IOException {
    if (!Files.isDirectory(sources)) {
      return;
    }
    try (Stream<Path> files = Files.walk(sources)) {
      files
          .filter(file -> file.toString().matches(".*\\.(java|kt)"))
          .forEach(
              file -> {
                String name =
                    sources
                        .relativize(file.getParent())
                        .toString()
                        .replace('\\', '.')
                        .replace('/', '.');
                packages.computeIfAbsent(set + " " + name, key -> new ArrayList<>()).add(file);
              });
    }
  }

  private static Path root() {
    Path folder = Path.of(System.getProperty("basedir", "")).toAbsolutePath();
    while (Files.exists(folder.getParent().resolve("pom.xml"))) {
      folder = folder.getParent();
    }
    return folder;
  }
}
