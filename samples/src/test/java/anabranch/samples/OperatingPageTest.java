package anabranch.samples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.engine.EngineOptions;
import anabranch.model.ModelSpec;
import anabranch.model.facts.StateLayout;
import anabranch.model.layer.Parameter;
import anabranch.samples.surprise.SurpriseModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;

/** The example of {@code docs/operating.md} is what the description says. */
class OperatingPageTest {
  private static final Path PAGE = Path.of("../docs/operating.md");
  private static final String HEADER = "| what | bytes |";

  @Test
  void theExampleOfAMemoryBudgetFollowsFromTheDescription() throws IOException {
    ModelSpec spec = SurpriseModel.getSurpriseModel();
    long parameters = spec.parameters().stream().mapToLong(Parameter::elements).sum();
    long experts =
        spec.parameters().stream()
            .filter(each -> each.name().contains(".experts."))
            .mapToLong(Parameter::elements)
            .sum();
    long engine = (120L << 20) + 4 * parameters;
    StateLayout layout = StateLayout.of(spec);
    long line = layout.bytes(128, 0);
    EngineOptions defaults = EngineOptions.defaults();
    List<String> rows =
        List.of(
            row("weights: %,d parameters of 4 bytes", 4 * parameters, parameters),
            row("the runtime, 120 MB, and that", engine),
            row("experts once more, where they run together", 4 * experts),
            row("rows that owe something, at most", defaults.fillBytes()),
            row("what is kept of one byte of a line", layout.bytes(1, 0)),
            row("what is kept of a line of 128 bytes", line),
            row("Flink's state of 10,000 open lines", 10_000 * line),
            row("a subtask with the usual cache, and 1024 records held", (64L << 20) + 1024 * line),
            row(
                "a task manager of 4 such subtasks",
                engine + defaults.fillBytes() + 4 * ((64L << 20) + 1024 * line)));
    assertEquals(rows, table());
    assertEquals(1L << 30, defaults.inFlightBytes());
  }

  private static String row(String what, long bytes, Object... values) {
    return String.format(
        Locale.ROOT, "| %s | %,d |", String.format(Locale.ROOT, what, values), bytes);
  }

  private static List<String> table() throws IOException {
    List<String> lines = Files.readAllLines(PAGE);
    int start = lines.indexOf(HEADER);
    assertTrue(start >= 0, HEADER + " is not in " + PAGE);
    return lines.subList(start + 2, lines.size()).stream()
        .takeWhile(line -> line.startsWith("|"))
        .toList();
  }
}
