package example.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.spi.ToolProvider;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Starts the host as its users do: a process with one jar on its class path. */
class HostTest {
  private static final Path APP = Path.of("target/app").toAbsolutePath();
  private static final Path HOST = APP.resolve("host.jar");

  @TempDir Path folder;

  private record Run(int exit, String said) {}

  @Test
  void threadsMemoryAndClassLoadersStayFlatOverTwentyRounds() throws Exception {
    Run run = host(APP, 20);
    assertEquals(0, run.exit, run.said);
    assertTrue(
        run.said.contains("flat from round 5 to 20: 80 of 80 class loaders collected"), run.said);
    assertFalse(run.said.contains("second native copy"), run.said);
  }

  @Test
  void aRuntimeInEveryPluginIsExplainedAndIsNotFlat() throws Exception {
    for (String plugin : List.of("exits", "full")) {
      Path own = Files.createDirectories(folder.resolve("plugins").resolve(plugin));
      link(APP.resolve("plugins").resolve(plugin), own);
      link(APP.resolve("runtime"), own);
    }
    Run run = host(folder, 1);
    assertEquals(1, run.exit, run.said);
    assertTrue(run.said.contains("loads a second native copy in"), run.said);
    assertTrue(run.said.contains("into one class loader above both"), run.said);
    assertTrue(run.said.contains("4 class loaders of closed plugins were not"), run.said);
  }

  @Test
  void aPluginThatLeavesAThreadBehindIsNotFlat() throws Exception {
    Path services = Files.createDirectories(folder.resolve("classes/META-INF/services"));
    Files.writeString(services.resolve("java.util.function.Function"), Leaky.class.getName());
    Path name = Path.of("example/host/Leaky.class");
    Path place = folder.resolve("classes").resolve(name);
    Files.createDirectories(place.getParent());
    Files.copy(Path.of("target/test-classes").resolve(name), place);
    Path plugin = Files.createDirectories(folder.resolve("plugins/leaky"));
    ToolProvider.findFirst("jar")
        .orElseThrow()
        .run(
            System.out,
            System.err,
            "--create",
            "--file=" + plugin.resolve("leaky.jar"),
            "-C",
            folder.resolve("classes").toString(),
            ".");
    Run run = host(folder, 2);
    assertEquals(1, run.exit, run.said);
    assertTrue(run.said.contains("not flat: threads grew from"), run.said);
    assertTrue(run.said.contains("8 class loaders of closed plugins were not"), run.said);
  }

  @Test
  void theHostKnowsNothingOfAnabranch() throws IOException {
    int classes = 0;
    try (JarFile jar = new JarFile(HOST.toFile())) {
      for (JarEntry entry : Collections.list(jar.entries())) {
        if (entry.getName().endsWith(".class")) {
          assertTrue(entry.getName().startsWith("example/host/"), entry.getName());
          try (InputStream in = jar.getInputStream(entry)) {
            String code = new String(in.readAllBytes(), StandardCharsets.ISO_8859_1);
            assertFalse(code.contains("anabranch"), entry.getName());
          }
          classes++;
        }
      }
    }
    assertTrue(classes > 5, classes + " classes");
  }

  private Run host(Path app, int rounds) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of(System.getProperty("host.options").strip().split("\\s+")));
    command.addAll(List.of("-cp", HOST.toString(), Host.class.getName()));
    command.addAll(List.of(app.toString(), "../text/odd/Orders.java", Integer.toString(rounds)));
    Path output = folder.resolve("output.txt");
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    boolean ended = process.waitFor(10, TimeUnit.MINUTES);
    process.destroyForcibly().waitFor();
    String said = Files.readString(output);
    assertTrue(ended, said);
    return new Run(process.exitValue(), said);
  }

  private static void link(Path from, Path to) throws IOException {
    try (Stream<Path> files = Files.list(from)) {
      for (Path file : files.toList()) {
        Files.createSymbolicLink(to.resolve(file.getFileName()), file);
      }
    }
  }
}
