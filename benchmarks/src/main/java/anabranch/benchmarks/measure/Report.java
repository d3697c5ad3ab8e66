package anabranch.benchmarks.measure;

import anabranch.backend.Numerics;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.StringJoiner;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** What one benchmark found: printed as it comes, kept as JSON. Confined to one thread. */
public final class Report {
  private static final JsonMapper JSON = JsonMapper.builder().build();

  private static final String CPU = "cpu";

  private final String name;
  private final Consumer<String> out;
  private final List<String> asksGpu;
  private String gpu = "";
  private final List<Limits.Seen> limits = new ArrayList<>();
  private final List<String> ran = new ArrayList<>();
  private final List<String> notes = new ArrayList<>();
  private final List<Finding> findings = new ArrayList<>();
  private final List<Table> tables = new ArrayList<>();

  private record Table(String title, List<String> columns, List<List<String>> rows) {}

  /**
   * Starts a report.
   *
   * @param name of the benchmark, as a command names it
   * @param out takes lines
   */
  public Report(String name, Consumer<String> out) {
    this(
        name,
        out,
        List.of("nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"));
  }

  /**
   * Starts one.
   *
   * @param asksGpu a command that prints names of GPUs and the release of their driver
   */
  Report(String name, Consumer<String> out, List<String> asksGpu) {
    this.name = name;
    this.out = out;
    this.asksGpu = List.copyOf(asksGpu);
  }

  /** Notes what the machine can do now. */
  public void limits(Limits.Seen seen) {
    limits.add(seen);
    out.accept(seen.toString());
  }

  /** Notes what computes. */
  public void ran(Numerics numerics) {
    ran.add(numerics.toString());
    if (!numerics.device().equals(CPU) && gpu.isEmpty()) {
      gpu = said(asksGpu).replace("\n", "; ");
      out.accept("GPU " + gpu);
    }
    out.accept("ran " + numerics);
  }

  /** Notes figures that are no ratio. */
  public void note(String format, Object... values) {
    String line = String.format(Locale.ROOT, format, values);
    notes.add(line);
    out.accept(line);
  }

  /** Notes a table of figures, row by row. */
  public void table(String title, List<String> columns, List<List<String>> rows) {
    tables.add(new Table(title, columns, rows));
    out.accept(title);
    out.accept(String.join("\t", columns));
    rows.forEach(row -> out.accept(String.join("\t", row)));
  }

  /** Notes a ratio. */
  public void finding(Finding finding) {
    findings.add(finding);
    out.accept(finding.toString());
  }

  /** Returns what was found so far. */
  public List<Finding> findings() {
    return List.copyOf(findings);
  }

  /** Writes what was found to a file of its own in a folder, and returns the file. */
  public Path save(Path folder) {
    ObjectNode root = JSON.createObjectNode();
    root.put("benchmark", name);
    root.put("date", Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
    root.put("commit", commit());
    root.put("processor", processor());
    if (!gpu.isEmpty()) {
      root.put("gpu", gpu);
    }
    root.put("java", System.getProperty("java.vm.version"));
    ArrayNode numerics = root.putArray("ran");
    ran.forEach(numerics::add);
    ArrayNode seen = root.putArray("limits");
    for (Limits.Seen each : limits) {
      seen.addObject()
          .put("fmaGigaflops", each.fma())
          .put("gemmGigaflops", each.gemm())
          .put("readByLoop", each.readByLoop())
          .put("readBySum", each.readBySum())
          .put("readByProduct", each.readByProduct());
    }
    ArrayNode all = root.putArray("findings");
    for (Finding each : findings) {
      ObjectNode node =
          all.addObject()
              .put("name", each.name())
              .put("ratio", each.ratio())
              .put("low", each.low())
              .put("high", each.high());
      if (!Double.isNaN(each.goal())) {
        node.put("goal", each.goal()).put("verdict", each.verdict());
      }
      if (!Double.isNaN(each.floor())) {
        node.put("floor", each.floor());
      }
    }
    ArrayNode lines = root.putArray("notes");
    notes.forEach(lines::add);
    ArrayNode shown = root.putArray("tables");
    for (Table table : tables) {
      ObjectNode node = shown.addObject().put("title", table.title);
      ArrayNode columns = node.putArray("columns");
      table.columns.forEach(columns::add);
      ArrayNode rows = node.putArray("rows");
      for (List<String> row : table.rows) {
        ArrayNode cells = rows.addArray();
        row.forEach(cells::add);
      }
    }
    Path file = folder.resolve(name + ".json");
    try {
      Files.createDirectories(folder);
      Files.writeString(
          file, JSON.writerWithDefaultPrettyPrinter().writeValueAsString(root) + "\n");
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
    return file;
  }

  /** Returns the model of the processor; what the JVM says of it where the system does not. */
  static String processor() {
    String model = line(Path.of("/proc/cpuinfo"), "model name");
    int count = Runtime.getRuntime().availableProcessors();
    String cores = count == 1 ? "1 core" : count + " cores";
    String name = model == null ? System.getProperty("os.arch") : model.replaceAll(".*:\\s*", "");
    String flags = line(Path.of("/proc/cpuinfo"), "flags");
    return name + instructions(flags == null ? "" : flags) + ", " + cores;
  }

  /** Returns which of the instructions that products are made of a processor says it has. */
  static String instructions(String flags) {
    Set<String> has = Set.copyOf(List.of(flags.split("\\s+")));
    StringJoiner names = new StringJoiner(", ", " (", ")").setEmptyValue("");
    if (has.contains("avx512f")) {
      names.add("AVX-512");
    } else if (has.contains("avx2")) {
      names.add("AVX2");
    }
    if (has.contains("avx512_vnni") || has.contains("avx_vnni")) {
      names.add("VNNI");
    }
    if (has.contains("amx_tile")) {
      names.add("AMX");
    }
    return names.toString();
  }

  private static @Nullable String line(Path file, String start) {
    try {
      return Files.readAllLines(file).stream()
          .filter(line -> line.startsWith(start))
          .findFirst()
          .orElse(null);
    } catch (IOException absent) {
      return null;
    }
  }

  /** Returns the commit that is checked out; "unknown" outside of a repository. */
  private static String commit() {
    return said(List.of("git", "describe", "--always", "--dirty"));
  }

  /** Returns what a command says; "unknown" where it fails. */
  private static String said(List<String> command) {
    try {
      Process process = new ProcessBuilder(command).start();
      String said = new String(process.getInputStream().readAllBytes()).strip();
      return process.waitFor() == 0 && !said.isEmpty() ? said : "unknown";
    } catch (IOException absent) {
      return "unknown";
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
      return "unknown";
    }
  }
}
