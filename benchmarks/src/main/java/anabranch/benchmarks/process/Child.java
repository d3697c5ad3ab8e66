package anabranch.benchmarks.process;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;

/**
 * A JVM that answers a line with a line, and ends with its input. One that lives longer than it may
 * is ended. Confined to one thread.
 */
public final class Child implements AutoCloseable {
  private static final long SECONDS = 20;
  private static final Duration LIFE = Duration.ofMinutes(15);

  private final Process process;
  private final BufferedReader from;
  private final BufferedWriter to;
  private final String program;
  private final Duration life;

  /** Starts a program with the class path of this JVM. */
  Child(Class<?> program, List<String> options, String... arguments) {
    this(
        System.getProperty("java.class.path"),
        program.getName(),
        options,
        Map.of(),
        LIFE,
        List.of(arguments));
  }

  /**
   * Starts a program.
   *
   * @param options of its JVM
   * @param environment what it sees beside the environment of this process
   * @param life how long it may live
   */
  public Child(
      String classPath,
      String program,
      List<String> options,
      Map<String, String> environment,
      Duration life,
      List<String> arguments) {
    this.program = program;
    this.life = life;
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(options);
    command.add("-cp");
    command.add(classPath);
    command.add(program);
    command.addAll(arguments);
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT);
    builder.environment().putAll(environment);
    try {
      process = builder.start();
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
    Executor later = CompletableFuture.delayedExecutor(life.toMillis(), TimeUnit.MILLISECONDS);
    later.execute(process::destroyForcibly);
    from = process.inputReader();
    to = process.outputWriter();
  }

  /**
   * Returns the next line that the program says.
   *
   * @throws IllegalStateException if it ended instead
   */
  public String hear() {
    try {
      String line = from.readLine();
      if (line == null) {
        throw new IllegalStateException(
            program + " ended with no more to say; it may live for " + life);
      }
      return line;
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }

  /** Says a line and returns the answer. */
  public String ask(String line) {
    try {
      to.write(line + "\n");
      to.flush();
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
    return hear();
  }

  @Override
  public void close() {
    try {
      to.close();
      if (!process.waitFor(SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (IOException gone) {
      process.destroyForcibly();
    } catch (InterruptedException stop) {
      Thread.currentThread().interrupt();
      process.destroyForcibly();
    }
  }
}
