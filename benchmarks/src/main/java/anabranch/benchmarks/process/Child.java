package anabranch.benchmarks.process;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A JVM with the class path of this one that answers a line with a line, and ends with its input.
 * Confined to one thread.
 */
final class Child implements AutoCloseable {
  private static final long SECONDS = 20;

  private final Process process;
  private final BufferedReader from;
  private final BufferedWriter to;

  /** Starts a program. */
  Child(Class<?> program, List<String> options, String... arguments) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(options);
    command.add("-cp");
    command.add(System.getProperty("java.class.path"));
    command.add(program.getName());
    command.addAll(List.of(arguments));
    try {
      process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
    from = process.inputReader();
    to = process.outputWriter();
  }

  /**
   * Returns the next line that the program says.
   *
   * @throws IllegalStateException if it ended instead
   */
  String hear() {
    try {
      String line = from.readLine();
      if (line == null) {
        throw new IllegalStateException("a child ended with no more to say");
      }
      return line;
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }

  /** Says a line and returns the answer. */
  String ask(String line) {
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
