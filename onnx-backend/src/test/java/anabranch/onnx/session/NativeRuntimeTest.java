package anabranch.onnx.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NativeRuntimeTest {
  @Test
  void aLongCommandLineDoesNotKillTheProcess(@TempDir Path folder) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-cp");
    command.add(System.getProperty("java.class.path"));
    command.add(StartsWithLongCommandLine.class.getName());
    command.add("x".repeat(8 << 10));
    Path output = folder.resolve("output.txt");
    Process child =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    assertTrue(child.waitFor(2, TimeUnit.MINUTES), "the child still runs");
    String said = Files.readString(output);
    assertEquals(0, child.exitValue(), said);
    assertTrue(said.contains("loaded with 8192 characters"), said);
  }

  @Test
  void theFirstLoadDecidesAboutThreads() {
    NativeRuntime runtime = NativeRuntime.get(1);
    assertEquals(runtime, NativeRuntime.get(4));
    assertEquals(List.of(), runtime.notes(1));
    assertEquals(1, runtime.notes(4).size());
    assertTrue(runtime.notes(4).get(0).contains("has 1 threads"), runtime.notes(4).get(0));
  }

  @Test
  void twoJarsOnOneClassPathAreReported(@TempDir Path folder) throws IOException {
    assertTrue(ClassPathCheck.twoJars(getClass().getClassLoader()).isEmpty());
    Path copy = folder.resolve("ai/onnxruntime/OrtEnvironment.class");
    Files.createDirectories(copy.getParent());
    Files.createFile(copy);
    try (URLClassLoader both =
        new URLClassLoader(new URL[] {folder.toUri().toURL()}, getClass().getClassLoader())) {
      String problem = ClassPathCheck.twoJars(both).orElseThrow();
      assertTrue(problem.contains("2 times"), problem);
      assertTrue(problem.contains("onnxruntime_gpu"), problem);
    }
  }

  @Test
  void aSecondNativeCopyIsExplainedByTheModelThatLoadedIt() throws Exception {
    assertEquals(List.of(), new SecondCopy().call());
    try (URLClassLoader other = everythingAgain()) {
      Class<?> second = other.loadClass(SecondCopy.class.getName());
      String found = ((Callable<?>) second.getConstructor().newInstance()).call().toString();
      assertTrue(found.contains("second native copy in java.net.URLClassLoader"), found);
      assertTrue(found.contains("\"another plugin\""), found);
      assertTrue(found.contains("one class loader above both"), found);
      assertTrue(
          found.contains(
              "classloader.parent-first-patterns.additional: ai.onnxruntime.;anabranch."),
          found);
    }
    assertEquals(List.of(), new SecondCopy().call());
  }

  @Test
  void aRuntimeThatCannotStartTwiceSaysThatItRunsAlready() throws Exception {
    assertEquals(List.of(), new SecondCopy().call());
    String path = "onnxruntime.native.path";
    System.setProperty(path, System.getProperty("java.home"));
    try (URLClassLoader other = everythingAgain()) {
      Callable<?> second =
          (Callable<?>) other.loadClass(SecondCopy.class.getName()).getConstructor().newInstance();
      String refused = assertThrows(RuntimeException.class, second::call).getMessage();
      assertTrue(refused.contains("cannot start: java.io.IOException: Native library"), refused);
      assertTrue(refused.contains("this JVM already loaded ONNX Runtime"), refused);
    } finally {
      System.clearProperty(path);
    }
  }

  /** No exception, and no error of linking either; who does not hear of it waits for ever. */
  @Test
  void everybodyHearsOfAStartThatDiesOfAnError() throws Exception {
    assertEquals(List.of(), new SecondCopy().call());
    try (URLClassLoader dying =
        new URLClassLoader(everything(), ClassLoader.getPlatformClassLoader()) {
          @Override
          protected Class<?> findClass(String name) throws ClassNotFoundException {
            if (name.equals("ai.onnxruntime.OrtEnvironment")) {
              throw new OutOfMemoryError("no room for a class");
            }
            return super.findClass(name);
          }
        }) {
      Callable<?> load =
          (Callable<?>) dying.loadClass(SecondCopy.class.getName()).getConstructor().newInstance();
      for (int attempt = 0; attempt < 2; attempt++) {
        CompletableFuture<Object> loaded = new CompletableFuture<>();
        Thread thread =
            new Thread(
                () -> {
                  try {
                    loaded.complete(load.call());
                  } catch (Throwable refused) {
                    loaded.completeExceptionally(refused);
                  }
                });
        thread.setDaemon(true);
        thread.start();
        String refused =
            assertThrows(ExecutionException.class, () -> loaded.get(60, TimeUnit.SECONDS))
                .getCause()
                .getMessage();
        assertEquals(
            "backend \"onnx\" cannot load model \"causal\": runtime: ONNX Runtime cannot start:"
                + " java.lang.OutOfMemoryError: no room for a class",
            refused);
      }
    }
  }

  @Test
  void theRuntimeKeepsNothingOfThePluginThatStartedIt(@TempDir Path folder) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-cp");
    command.add(System.getProperty("java.class.path"));
    command.add(StartedByPlugin.class.getName());
    Path output = folder.resolve("output.txt");
    Process child =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    assertTrue(child.waitFor(2, TimeUnit.MINUTES), "the child still runs");
    String said = Files.readString(output);
    assertEquals(0, child.exitValue(), said);
    assertTrue(said.contains("the plugin is gone"), said);
  }

  @Test
  void releasesWithTelemetryAreReportedUnlessItIsDisabled() {
    assertTrue(ClassPathCheck.telemetryProblem("1.28.0", null).isEmpty());
    assertTrue(ClassPathCheck.telemetryProblem("1.29.0", "1").isEmpty());
    assertFalse(ClassPathCheck.telemetryProblem("1.29.0", null).isEmpty());
    assertFalse(ClassPathCheck.telemetryProblem("2.0.1", "0").isEmpty());
  }

  /** The whole class path once more, below the JDK's own classes alone. */
  private static URLClassLoader everythingAgain() throws IOException {
    return new URLClassLoader("another plugin", everything(), ClassLoader.getPlatformClassLoader());
  }

  private static URL[] everything() throws IOException {
    List<URL> places = new ArrayList<>();
    for (String place : System.getProperty("java.class.path").split(File.pathSeparator)) {
      places.add(Path.of(place).toUri().toURL());
    }
    return places.toArray(URL[]::new);
  }
}
