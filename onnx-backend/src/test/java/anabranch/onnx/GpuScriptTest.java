package anabranch.onnx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.conformance.BackendConformance;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** What the script for the day of a GPU names is there, as nobody sees it fail before that day. */
class GpuScriptTest {
  private static final Path SCRIPT = Path.of("../.ci/gpu");

  @Test
  void everyTestThatTheScriptNamesIsThereAndIsTheKit() throws Exception {
    Matcher kit = Pattern.compile("kit='([\\w,]+)'").matcher(Files.readString(SCRIPT));
    assertTrue(kit.find());
    for (String name : kit.group(1).split(",")) {
      Class<?> named = Class.forName(getClass().getPackageName() + "." + name);
      assertTrue(BackendConformance.class.isAssignableFrom(named), name);
    }
  }

  @Test
  @DisabledOnOs(OS.WINDOWS)
  void anUnknownPartIsRefusedWithThoseThatExist() throws Exception {
    String said = bash(2, SCRIPT.toString(), "cpu", "tiny", "all-of-it");
    assertTrue(
        said.contains("\"all-of-it\" is not one of probe, kit-small, kit-large, bench"), said);
  }

  /** The function of the script that counts, on reports of a folder of its own. */
  @Test
  @DisabledOnOs(OS.WINDOWS)
  void aTestThatDidNotRunOrWasSkippedWholeIsAFailure(@TempDir Path folder) throws Exception {
    Path reports = folder.resolve("onnx-backend/target/surefire-reports");
    Files.createDirectories(reports);
    report(reports, "Ran", 5, 1);
    report(reports, "Skipped", 5, 5);
    assertEquals("Ran: 5 tests, 1 skipped\nstatus 0\n", count(folder, "Ran"));
    assertTrue(count(folder, "Skipped").contains("Skipped ran no test\nstatus 1"));
    assertTrue(count(folder, "Absent").contains("Absent did not run\nstatus 1"));
    assertFalse(Files.exists(folder.resolve("onnx-backend/pom.xml")));
  }

  /** The build is a script that answers at once. */
  @Test
  @DisabledOnOs(OS.WINDOWS)
  void aDeviceThatIsRefusedEndsTheScriptWithWhy(@TempDir Path folder) throws Exception {
    String said = run(folder, 1, "echo probe: cuda:0 is refused: no driver; exit 1", "");
    String last = said.lines().reduce((a, b) -> b).orElse("");
    String why = ".ci/gpu: nothing but the probe was run: probe: cuda:0 is refused: no driver";
    assertEquals(why, last, said);
    assertEquals(1, Files.readAllLines(folder.resolve("calls")).size());
    assertTrue(run(folder, 1, "exit 1", "bench").contains("it did not start, see above"));
  }

  @Test
  @DisabledOnOs(OS.WINDOWS)
  void aPartRunsAloneBehindTheProbe(@TempDir Path folder) throws Exception {
    String said = run(folder, 0, "exit 0", "bench");
    List<String> calls = Files.readAllLines(folder.resolve("calls"));
    assertEquals(2, calls.size(), said);
    assertTrue(calls.get(0).contains("gpu-probe"), calls.get(0));
    assertTrue(calls.get(1).contains("gpu --size tiny"), calls.get(1));
    said = run(folder, 1, "exit 0", "kit-large");
    assertEquals(3, Files.readAllLines(folder.resolve("calls")).size(), said);
    assertTrue(said.contains("OnnxHalfConformanceTest did not run"), said);
    run(folder, 1, "exit 0", "");
    assertEquals(6, Files.readAllLines(folder.resolve("calls")).size(), said);
  }

  private static String run(Path folder, int code, String build, String part) throws Exception {
    Files.deleteIfExists(folder.resolve("calls"));
    Files.createDirectories(folder.resolve(".ci"));
    Path script = folder.resolve(".ci/gpu");
    Files.writeString(script, Files.readString(SCRIPT));
    Path maven = folder.resolve("mvnw");
    Files.writeString(maven, "#!/bin/bash\necho \"$*\" >>calls\n" + build + "\n");
    assertTrue(maven.toFile().setExecutable(true));
    Path smi = folder.resolve("nvidia-smi");
    Files.writeString(smi, "#!/bin/bash\nexit 0\n");
    assertTrue(smi.toFile().setExecutable(true));
    String path = "PATH=" + folder + ":$PATH bash " + script + " cuda:0 tiny " + part;
    return bash(code, "-c", path);
  }

  private static void report(Path folder, String name, int tests, int skipped) throws IOException {
    Files.writeString(
        folder.resolve("TEST-anabranch.onnx." + name + ".xml"),
        "<?xml version=\"1.0\"?>\n<testsuite name=\"anabranch.onnx."
            + name
            + "\"\n  time=\"1\" tests=\""
            + tests
            + "\" errors=\"0\" skipped=\""
            + skipped
            + "\" failures=\"0\">\n<testcase/>\n</testsuite>\n");
  }

  private static String count(Path folder, String name) throws Exception {
    String text = Files.readString(SCRIPT);
    List<String> functions = new ArrayList<>();
    for (String function : List.of("fail", "ran")) {
      int from = text.indexOf("\n" + function + "() {");
      functions.add(text.substring(from, text.indexOf("\n}\n", from) + 3));
    }
    String script = "cd " + folder + "\nstatus=0\n" + String.join("", functions);
    return bash(0, "-c", script + "ran " + name + "\necho status $status");
  }

  private static String bash(int code, String... arguments) throws Exception {
    List<String> command = new ArrayList<>(List.of("bash"));
    command.addAll(List.of(arguments));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes());
    assertEquals(code, process.waitFor(), said);
    return said;
  }
}
