package anabranch.benchmarks.measure;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.Numerics;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class ReportTest {
  @TempDir Path folder;

  @Test
  void whatWasFoundIsKeptAsJsonAndShownOnThePage() throws IOException {
    Report report = new Report("one", line -> {}, List.of("echo", "NVIDIA X, 570.1"));
    report.ran(
        new Numerics(Numerics.Kind.TOLERANT, 1, 2, "cuda:0", "the GPU", "bf16", List.of("x")));
    report.limits(new Limits.Seen(100, 90, 10, 9, 11));
    report.finding(Finding.of("one.a/b", new double[] {1, 1.2, 1.1}).atLeast(1));
    report.finding(Finding.of("one.c/d", new double[] {0.9}).atLeast(1).withFloor(0.92));
    report.note("two %d", 2);
    report.table("a curve", List.of("x", "y"), List.of(List.of("1", "2"), List.of("3", "4")));
    JsonNode root = JsonMapper.builder().build().readTree(Files.readString(report.save(folder)));
    assertEquals("pass", root.get("findings").get(0).get("verdict").asString());
    assertEquals("pass", root.get("findings").get(1).get("verdict").asString());
    assertEquals(11, root.get("limits").get(0).get("readByProduct").asDouble());
    String ran =
        "bf16 on cuda:0 by the GPU, TOLERANT within 1.0e+00 + 2.0e+00 of a row's root mean";
    assertTrue(root.get("ran").get(0).asString().startsWith(ran), root.get("ran").toString());
    assertEquals("NVIDIA X, 570.1", root.get("gpu").asString());
    Path page = folder.resolve("performance.md");
    Page.write(folder, page);
    String text = Files.readString(page);
    assertTrue(text.contains("; GPU NVIDIA X, 570.1; JVM "), text);
    assertTrue(text.contains("| one.a/b | 1.100 | 1.000 to 1.200 | 1.000 |  | pass |"), text);
    assertTrue(text.contains("-Dexec.args=one`"), text);
    assertTrue(text.contains("- two 2"), text);
    assertTrue(text.contains("\nRan " + ran), text);
    assertTrue(text.contains("a curve\n\n| x | y |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n"), text);
  }

  @Test
  void aPageKeepsWhatItSaysOfBenchmarksWithoutAReport() throws IOException {
    Path page = folder.resolve("performance.md");
    for (String name : List.of("two", "one", "two")) {
      Report report = new Report(name, line -> {});
      report.note("found by %s", name);
      Path file = report.save(folder);
      Page.write(folder, page);
      Files.delete(file);
    }
    String text = Files.readString(page);
    List<String> heads = text.lines().filter(line -> line.startsWith("## ")).toList();
    assertEquals(List.of("## How to read it", "## one", "## two"), heads);
    assertEquals(1, text.lines().filter("- found by one"::equals).count(), text);
    Page.write(folder, page);
    assertEquals(text, Files.readString(page));
  }

  @Test
  void nobodyIsAskedForTheGpuOfAReportFromTheCpu() throws IOException {
    Report report = new Report("two", line -> {}, List.of("echo", "NVIDIA X, 570.1"));
    report.ran(new Numerics(Numerics.Kind.TOLERANT, 1, 2, "cpu", "it", "fp32", List.of()));
    assertFalse(Files.readString(report.save(folder)).contains("NVIDIA"));
    Report lost = new Report("three", line -> {}, List.of("/not/there"));
    lost.ran(new Numerics(Numerics.Kind.TOLERANT, 1, 2, "cuda:0", "it", "fp32", List.of()));
    assertTrue(Files.readString(lost.save(folder)).contains("\"gpu\" : \"unknown\""));
  }

  @Test
  void instructionsOfProductsAreNamed() {
    String flags = "flags\t\t: fpu sse2 avx avx2 avx512f";
    assertEquals(" (AVX-512, VNNI)", Report.instructions(flags + " avx512_vnni"));
    assertEquals(" (AVX-512, VNNI, AMX)", Report.instructions(flags + " avx_vnni amx_tile"));
    assertEquals(" (AVX2)", Report.instructions("flags : avx avx2 fma"));
    assertEquals("", Report.instructions("flags : avx"));
  }

  @Test
  void limitsAreSeenAndTheBestReadingCounts() {
    try (Limits limits = new Limits(1)) {
      Limits.Seen seen = limits.probe();
      assertTrue(seen.fma() > 0 && seen.gemm() > 0, seen.toString());
      assertTrue(seen.read() >= seen.readByProduct(), seen.toString());
    }
  }
}
