package anabranch.flink.step;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The promises of {@code docs/flink.md}. */
class PromisesTest {
  private static final Path HERE = Path.of("src/test/java/anabranch/flink");
  private static final Pattern NAMED = Pattern.compile("`([\\w/-]+)\\.(\\w+)`");

  @Test
  void eachPromiseNamesTestsThatExist() throws IOException {
    List<String> missing = new ArrayList<>();
    int promises = 0;
    List<String> page = Files.readAllLines(Path.of("../docs/flink.md"));
    int start = page.indexOf("## What is promised, and which test shows it");
    for (String line : page.subList(start, page.size())) {
      int test = line.lastIndexOf(" | ");
      if (!line.startsWith("| ") || !line.substring(test).contains("`")) {
        continue;
      }
      promises++;
      Matcher names = NAMED.matcher(line.substring(test));
      int found = 0;
      while (names.find()) {
        found++;
        Path file = Path.of("..", names.group(1) + ".java");
        Path own = HERE.resolve(names.group(1) + ".java");
        Path source = Files.exists(own) ? own : file;
        if (!Files.exists(source)
            || !Files.readString(source).contains("void " + names.group(2) + "(")) {
          missing.add(names.group());
        }
      }
      assertTrue(found > 0, line);
    }
    assertEquals(List.of(), missing);
    assertTrue(promises > 35, promises + " promises");
  }
}
