package anabranch.benchmarks.measure;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Writes the page of all kept reports. Stateless. */
public final class Page {
  private static final JsonMapper JSON = JsonMapper.builder().build();
  private static final String COMMAND =
      "./mvnw -q compile exec:exec -pl benchmarks -am -Dexec.args=";

  private static final String GUIDE = "How to read it";

  private static final String INTRODUCTION =
      """
      # Performance

      Written by `bench page` from what the benchmarks left, each on the machine, day and commit that it names.

      ## How to read it

      **A row** is a ratio: how many times as fast the first side is as the second. Sides take turns, round by round,
      in an order that is drawn for each, so that whatever disturbs the machine disturbs them alike; the ratio is the median over the rounds, beside the
      interval that holds 95 % of such medians. `rebatch`, `start`, `threads` and rows that say `passed` compare the
      time that passed, `tasks` and `flat` bytes, the others the time that processors spent. Sides that compute the
      same answer alike, or the benchmark fails; `bits` says how far they differ. The notes below a table say the
      medians themselves, which hold for that machine at that hour.

      **A goal** was set before the row was measured. `pass` is an interval at or above the goal, `fail` one below,
      `unclear` one that holds it. Rows without a goal are there to explain the others. A floor is the ratio that the
      kernels alone would allow, found in the same rounds; where it is below the goal, 0.97 of it is the goal. A bound is what the machine would allow
      if nothing but products of large matrices were computed, or nothing but weights, keys and values were read: the
      best that the probes of the same run reached. Both sides of `djl` and `llama` run on one thread each, and need
      the row `peers` of [commands.md](commands.md).

      | benchmark | what stands against what |
      |---|---|
      | `bits` | fp32 against products of 8 bits. The floor is the same network in 8 bits whose rows have scales known beforehand; how far products alone differ depends on the processor |
      | `curves` | nothing: how time grows with tokens, experts, length and layers |
      | `depth` | early exits against bare kernels at the same numbers of rows |
      | `djl` | a routed layer against the same layer in NDArrays of DJL on PyTorch. The floor is DJL's layer against our experts alone, on rows that lie grouped: what ours would reach if all else took no time. How far the floors of both differ is how far the products of two libraries differ, and depends on the processor |
      | `flat` | memory behind a million steps, and behind 20 models, against what it was when the first quarter was over |
      | `flink` | an inference step against a step that does nothing and, with an engine, against that engine; the goal is for what is the operator's own: a job beyond the engine alone and a step that does nothing |
      | `flink-batch` | a job against the engine alone and the same job around a model that computes nothing, added up |
      | `flink-rocks` | hot keys on RocksDB against the heap |
      | `heads` | attention whose heads share keys against the operator of the same runtime, told of every head |
      | `layer` | a routed layer against its experts on rows that lie grouped, and against other graphs of the same runtime; `together` has its experts twice, each alone and all in one graph. Beside the read bound, which holds the weights of the router and of the experts that rows see, the floor is the products of both |
      | `llama` | a whole Mixtral with random weights in fp32 against llama.cpp through JNI, whose strength is quantised weights, and against its operators as bare calls, on rows that lie grouped and without routing, gathering and sums of experts |
      | `rebatch` | survivors of many records gathered into batches anew, against the number of rows that they save |
      | `savings` | skipped blocks, narrower networks, dropped rows and rows without padding, against bare kernels at the same numbers of rows |
      | `start` | the first answer of a JVM against sessions made by hand |
      | `step` | one step against its kernel |
      | `tasks` | memory that a further task adds to a shared model, of the line through 1, 2, 4 and 8 that make as many calls together |
      | `threads` | two threads against one. The floor is what two cores of the machine are worth together: half of the bare experts on each thread, against all on one; `products` are bare experts in turn, each product on two threads |

      **Not measured:** several sockets; processors of other kinds than those named with each benchmark; models of many gigabytes; other systems on a GPU, or with
      more than one thread; other people's hardware: a goal that passes here may fail there, so run them.

      """;

  private Page() {}

  /**
   * Writes a page of the reports in a folder, by name. What a page that is there says of benchmarks
   * without a report stays.
   */
  public static void write(Path folder, Path page) {
    Map<String, String> sections = new TreeMap<>();
    try (Stream<Path> files = Files.list(folder)) {
      if (Files.exists(page)) {
        String[] old = ("\n" + Files.readString(page)).split("\n## ");
        for (int i = 1; i < old.length; i++) {
          sections.put(old[i].lines().findFirst().orElse(""), "## " + old[i].strip() + "\n\n");
        }
      }
      for (Path file : files.filter(each -> each.toString().endsWith(".json")).toList()) {
        JsonNode root = JSON.readTree(Files.readString(file));
        StringBuilder text = new StringBuilder();
        section(root, text);
        sections.put(root.get("benchmark").asString(), text.toString());
      }
      sections.remove(GUIDE);
      String all = INTRODUCTION + String.join("", sections.values());
      Files.writeString(page, all.strip() + "\n");
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }

  private static void section(JsonNode root, StringBuilder text) {
    String name = root.get("benchmark").asString();
    text.append("## ").append(name).append("\n\n`").append(COMMAND).append(name).append("`  \n");
    text.append(root.get("processor").asString());
    if (root.has("gpu")) {
      text.append("; GPU ").append(root.get("gpu").asString());
    }
    text.append("; JVM ").append(root.get("java").asString());
    text.append("; ").append(root.get("date").asString());
    text.append("; commit ").append(root.get("commit").asString()).append("\n\n");
    if (root.has("ran")) {
      root.get("ran").forEach(each -> text.append("Ran ").append(each.asString()).append("\n\n"));
    }
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
