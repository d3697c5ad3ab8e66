package anabranch.conformance.golden;

import anabranch.backend.Backend;
import anabranch.conformance.golden.recorded.Finding;
import anabranch.conformance.golden.recorded.Runner;
import anabranch.engine.Backends;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Compares every recorded model below a folder and says how far it is from its recording, case by
 * case.
 *
 * <p>{@code FOLDER [--backend NAME]}; without a backend, the oracle. Exits with 1 beyond {@link
 * Finding#BAR}, where a decision differs, where a model cannot be opened, and where there is
 * nothing to compare.
 */
public final class GoldenCommand {
  private GoldenCommand() {}

  /** Runs the command. */
  public static void main(String[] arguments) throws IOException {
    System.exit(run(arguments, System.out));
  }

  /** Runs the command; returns its exit code. */
  public static int run(String[] arguments, PrintStream out) throws IOException {
    Path folder = null;
    Runner.Place place = Runner.onOracle();
    for (int i = 0; i < arguments.length; i++) {
      if (arguments[i].equals("--backend") && i + 1 < arguments.length) {
        Backend backend = Backends.named(arguments[++i]);
        place = Runner.on(() -> backend);
      } else if (folder == null && !arguments[i].startsWith("--")) {
        folder = Path.of(arguments[i]);
      } else {
        throw new IllegalArgumentException(arguments[i] + " is not FOLDER [--backend NAME]");
      }
    }
    return run(folder, place, out);
  }

  private static int run(@Nullable Path folder, Runner.Place place, PrintStream out)
      throws IOException {
    if (folder == null || !Files.isDirectory(folder)) {
      throw new IllegalArgumentException(folder + " is no folder; say FOLDER [--backend NAME]");
    }
    List<Path> models = models(folder);
    List<Finding> all = new ArrayList<>();
    for (Path model : models) {
      for (Finding finding : compare(model, place)) {
        all.add(finding);
        out.println(finding.line());
      }
    }
    out.println(summary(models.size(), all));
    return !all.isEmpty() && all.stream().allMatch(Finding::agrees) ? 0 : 1;
  }

  /** Returns the folders of models: those in a folder, or itself, by name. */
  public static List<Path> models(Path folder) throws IOException {
    if (Files.exists(folder.resolve(OpenedModel.GOLDEN))) {
      return List.of(folder);
    }
    try (Stream<Path> inside = Files.list(folder)) {
      return inside
          .filter(each -> Files.exists(each.resolve(OpenedModel.GOLDEN)) || hasConfig(each))
          .sorted()
          .toList();
    }
  }

  private static boolean hasConfig(Path folder) {
    return Files.exists(folder.resolve("config.json"));
  }

  /** Returns what is found of one model; of a model that cannot be opened, why. */
  static List<Finding> compare(Path folder, Runner.Place place) {
    try (OpenedModel model = OpenedModel.of(folder)) {
      List<Finding> findings = RecordedTrial.compare(model, place);
      List<String> unread = model.recording().unread();
      if (!unread.isEmpty()) {
        String some = model.name() + ": " + unread.size() + " arrays unread, such as ";
        findings.get(0).note(some + unread.get(0));
      }
      return findings;
    } catch (RuntimeException refused) {
      Finding finding = new Finding(String.valueOf(folder.getFileName()));
      finding.fail(String.valueOf(refused));
      return List.of(finding);
    }
  }

  private static String summary(int models, List<Finding> findings) {
    long wrong = findings.stream().filter(finding -> !finding.agrees()).count();
    double most = findings.stream().mapToDouble(Finding::difference).reduce(0, Math::max);
    long numbers = findings.stream().mapToLong(Finding::compared).sum();
    StringBuilder line = new StringBuilder();
    line.append(
        String.format(
            Locale.ROOT,
            "%d models, %d cases, %d wrong; largest difference %.1e of %d numbers",
            models,
            findings.size(),
            wrong,
            most,
            numbers));
    for (Finding.Kind kind : Finding.Kind.values()) {
      int differing = findings.stream().mapToInt(finding -> finding.differing(kind)).sum();
      int compared = findings.stream().mapToInt(finding -> finding.compared(kind)).sum();
      line.append(
          String.format(
              Locale.ROOT,
              ", %s %d/%d",
              kind.name().toLowerCase(Locale.ROOT),
              differing,
              compared));
    }
    return line.toString();
  }
}
