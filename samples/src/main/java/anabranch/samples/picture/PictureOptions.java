package anabranch.samples.picture;

import java.io.Console;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a command line says about pictures. Immutable; any thread.
 *
 * @param color whether lines are shown in colour
 * @param report where the page goes
 * @param curve how long lines run again under other thresholds; zero for not at all
 * @param rest the arguments that say something else
 */
public record PictureOptions(boolean color, Path report, Duration curve, List<String> rest) {
  private static final Duration CURVE = Duration.ofSeconds(10);
  private static final Path REPORT = Path.of("target", "surprise", "report.html");

  /** Copies the list. */
  public PictureOptions {
    rest = List.copyOf(rest);
  }

  /**
   * Reads a command line: {@code --color}, {@code --no-color}, {@code --report FILE}, {@code
   * --curve SECONDS}. Without a word on colour there is some where a terminal shows it, unless
   * {@code NO_COLOR} is set.
   *
   * @param environment the variables of the process
   * @throws IOException if the report cannot be written where it should go
   */
  public static PictureOptions of(List<String> arguments, Map<String, String> environment)
      throws IOException {
    boolean color = isColourful(environment, isTerminal(System.console()));
    Path report = REPORT;
    Duration curve = CURVE;
    List<String> rest = new ArrayList<>();
    for (int i = 0; i < arguments.size(); i++) {
      switch (arguments.get(i)) {
        case "--color" -> color = true;
        case "--no-color" -> color = false;
        case "--report" -> report = Path.of(value(arguments, i++));
        case "--curve" -> curve = seconds(value(arguments, i++));
        default -> rest.add(arguments.get(i));
      }
    }
    requireWritable(report);
    return new PictureOptions(color, report, curve, rest);
  }

  static boolean isColourful(Map<String, String> environment, boolean terminal) {
    return terminal
        && environment.getOrDefault("NO_COLOR", "").isEmpty()
        && !environment.getOrDefault("TERM", "").equals("dumb");
  }

  private static String value(List<String> arguments, int option) throws IOException {
    if (option + 1 == arguments.size()) {
      throw new IOException(arguments.get(option) + " is not followed by a value");
    }
    return arguments.get(option + 1);
  }

  private static Duration seconds(String text) throws IOException {
    try {
      int seconds = Integer.parseInt(text);
      if (seconds >= 0 && seconds <= 3_600) {
        return Duration.ofSeconds(seconds);
      }
    } catch (NumberFormatException noNumber) {
      // Told below, as a number out of bounds is.
    }
    throw new IOException("--curve \"" + text + "\" is not a number of seconds in 0..3600");
  }

  private static void requireWritable(Path report) throws IOException {
    if (!report.toString().endsWith(".html")) {
      throw new IOException("--report \"" + report + "\" does not end in .html");
    }
    Path folder = report.toAbsolutePath().getParent();
    try {
      Files.createDirectories(folder);
    } catch (IOException refused) {
      throw new IOException("--report \"" + report + "\": no folder can be made there", refused);
    }
    if (!Files.isWritable(folder) || Files.isDirectory(report)) {
      throw new IOException("--report \"" + report + "\" cannot be written");
    }
  }

  /** From JDK 22 on there is a console without a terminal too, and it says so. */
  private static boolean isTerminal(@Nullable Console console) {
    if (console == null || Runtime.version().feature() < 22) {
      return console != null;
    }
    try {
      return (boolean) Console.class.getMethod("isTerminal").invoke(console);
    } catch (ReflectiveOperationException absent) {
      return false;
    }
  }
}
