package anabranch.benchmarks.measure;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Writes the page of all kept reports. Stateless. */
public final class Page {
  private static final JsonMapper JSON = JsonMapper.builder().build();
  private static final String COMMAND =
      "./mvnw -q compile exec:exec -pl benchmarks -am -Dexec.args=";

  private Page() {}

  /** Writes a page of the reports in a folder, by name. */
  public static void write(Path folder, Path page) {
    StringBuilder text =
        new StringBuilder(
            """
            # Performance

            Written by `bench page` from what the benchmarks below left, each on the machine, day and commit that it
            names. A ratio is how many times as fast the first side is as the second: the median over rounds in which
            the sides take turns, with the interval that holds 95 % of such medians; both sides answer alike, or the
            benchmark fails. `pass` is an interval at or above the goal, `fail` one below, `unclear` one that holds it.
            A floor is what the kernels alone would allow; where it is below the goal, 0.97 of it is the goal.

            """);
    try (Stream<Path> files = Files.list(folder)) {
      List<Path> sorted = files.filter(file -> file.toString().endsWith(".json")).sorted().toList();
      for (Path file : sorted) {
        section(JSON.readTree(Files.readString(file)), text);
      }
      Files.writeString(page, text.toString().strip() + "\n");
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }

  private static void section(JsonNode root, StringBuilder text) {
    String name = root.get("benchmark").asString();
    text.append("## ").append(name).append("\n\n`").append(COMMAND).append(name).append("`  \n");
    text.append(root.get("processor").asString());
    text.append("; JVM ").append(root.get("java").asString());
    text.append("; ").append(root.get("date").asString());
    text.append("; commit ").append(root.get("commit").asString()).append("\n\n");
    JsonNode limits = root.get("limits");
    if (!limits.isEmpty()) {
      text.append(
          "| one core, seen in turn | FMA GFLOP/s | runtime's products GFLOP/s "
              + "| read, loop GB/s | sum | product with one row |\n|---|---|---|---|---|---|\n");
      int number = 1;
      for (JsonNode each : limits) {
        text.append("| ").append(number++);
        for (String field :
            List.of("fmaGigaflops", "gemmGigaflops", "readByLoop", "readBySum", "readByProduct")) {
          text.append(" | ").append(number(each.get(field), 1));
        }
        text.append(" |\n");
      }
      text.append('\n');
    }
    if (!root.get("findings").isEmpty()) {
      text.append("| finding | ratio | 95 % | goal | floor | |\n|---|---|---|---|---|---|\n");
      for (JsonNode each : root.get("findings")) {
        text.append("| ").append(each.get("name").asString());
        text.append(" | ").append(number(each.get("ratio"), 3));
        text.append(" | ").append(number(each.get("low"), 3));
        text.append(" to ").append(number(each.get("high"), 3));
        text.append(" | ").append(number(each.get("goal"), 3));
        text.append(" | ").append(number(each.get("floor"), 3));
        text.append(" | ").append(each.has("verdict") ? each.get("verdict").asString() : "");
        text.append(" |\n");
      }
      text.append('\n');
    }
    for (JsonNode table : root.path("tables")) {
      table(table, text);
    }
    for (JsonNode note : root.get("notes")) {
      text.append("- ").append(note.asString()).append('\n');
    }
    text.append('\n');
  }

  private static void table(JsonNode table, StringBuilder text) {
    text.append(table.get("title").asString()).append("\n\n");
    row(table.get("columns"), text);
    text.append("|---".repeat(table.get("columns").size())).append("|\n");
    table.get("rows").forEach(row -> row(row, text));
    text.append('\n');
  }

  private static void row(JsonNode cells, StringBuilder text) {
    cells.forEach(cell -> text.append("| ").append(cell.asString()).append(' '));
    text.append("|\n");
  }

  private static String number(JsonNode value, int digits) {
    return value == null ? "" : String.format(Locale.ROOT, "%." + digits + "f", value.asDouble());
  }
}
