package anabranch.samples.surprise;

import anabranch.error.AnabranchException;
import anabranch.flink.model.ModelRecipe;
import anabranch.samples.alarm.Verdict;
import anabranch.samples.picture.PictureOptions;
import anabranch.samples.text.TextSource;
import anabranch.weights.Safetensors;
import anabranch.weights.Weights;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;

/**
 * Tells how unexpected each line of a text is.
 *
 * <p>Arguments are files, folders, or {@code -} for standard input; none stand for the bundled
 * text. {@code --normal FILE_OR_FOLDER} before or between them names text that counts as normal: it
 * is scored first and fixes the level of each kind it holds. {@link PictureOptions} says what else
 * there is. The system property {@code surprise.weights} names another file of weights, {@code
 * surprise.backend} another backend.
 */
public final class Surprise {
  /**
   * The bundled text: of each kind more than enough lines for a level, then those with odd ones.
   * Prose that does not grow with the project comes first, so that no new page moves a level.
   */
  static final List<String> BUNDLED =
      List.of(
          "text/normal",
          "../sdk-api/src/main/java/anabranch/backend",
          "../sdk-api/src/main/java/anabranch/model",
          "../sdk-kotlin-dsl/src/main/kotlin",
          "../sdk-kotlin-dsl/src/test/kotlin/anabranch/flow",
          "../pom.xml",
          "../sdk-api/pom.xml",
          "../sdk-kotlin-dsl/pom.xml",
          "../onnx-backend/pom.xml",
          "../flink-connector/pom.xml",
          "../conformance-tests/pom.xml",
          "../samples/pom.xml",
          "../benchmarks/pom.xml",
          "../README.md",
          "../CONTRIBUTING.md",
          "text/odd");

  private static final double HALF_SPEED_SECONDS = 8;
  private static final int FLAGGED_SHOWN = 20;

  private Surprise() {}

  /** Runs the program; exits with 1 after saying what is wrong with its input. */
  public static void main(String[] args) throws Exception {
    try {
      PictureOptions pictures = PictureOptions.of(List.of(args), System.getenv());
      run(arguments(pictures.rest()), pictures);
    } catch (IOException | AnabranchException refused) {
      System.err.println("surprise: " + refused.getMessage());
      System.exit(1);
    }
  }

  private static Arguments arguments(List<String> args) throws IOException {
    try {
      return Arguments.of(args.toArray(String[]::new));
    } catch (IllegalArgumentException wrong) {
      throw new IOException(wrong.getMessage(), wrong);
    }
  }

  static void run(Arguments arguments, PictureOptions options) throws Exception {
    TextSource source = TextSource.of(arguments.places().isEmpty() ? BUNDLED : arguments.places());
    TextSource normal = arguments.normal().isEmpty() ? null : TextSource.of(arguments.normal());
    Path weights = Path.of(System.getProperty("surprise.weights", "models/surprise.safetensors"));
    try (Weights opened = Safetensors.open(weights)) {
      opened.requireFit(SurpriseModel.getSurpriseModel());
    }
    String backend = System.getProperty("surprise.backend", "onnx");
    ModelRecipe recipe = SurpriseJob.recipe(backend, weights);
    System.out.printf(
        Locale.ROOT, "scoring the lines of %,d text(s) with %s%n", source.sources().size(), recipe);

    Alarms alarms = new Alarms();
    if (normal != null) {
      addNormal(normal, recipe, alarms);
    }
    Tally atFullSpeed = tally();
    Pictures pictures = new Pictures();
    Consumer<LineScore> counted = andProgress("full speed", atFullSpeed);
    SurpriseJob.run(
        source,
        recipe,
        counted.andThen(line -> pictures.add(line, alarms.judge(line) == Verdict.ODD)));
    Tally atHalfSpeed = null;
    if (source.repeatable() && atFullSpeed.bytes > 0) {
      atHalfSpeed = atHalfSpeed(source, recipe, atFullSpeed);
    }
    System.out.println();
    System.out.print(Report.of(atFullSpeed, atHalfSpeed));
    if (atFullSpeed.bytes > 0) {
      System.out.println();
      System.out.print(alarms.report(FLAGGED_SHOWN));
      System.out.print(alarms.flagged().isEmpty() ? Report.oddest(atFullSpeed.oddest()) : "");
    }
    pictures.draw(options, backend, weights, atFullSpeed, atHalfSpeed, System.out);
  }

  /** Scores the lines that count as normal, before any other. */
  private static void addNormal(TextSource normal, ModelRecipe recipe, Alarms alarms)
      throws Exception {
    Tally tally = tally();
    SurpriseJob.run(normal, recipe, andProgress("normal text", tally).andThen(alarms::addNormal));
    if (tally.bytes == 0) {
      throw new IOException(
          "--normal " + String.join(", ", normal.sources()) + " has no line to score");
    }
  }

  private static Tally atHalfSpeed(TextSource source, ModelRecipe recipe, Tally atFullSpeed)
      throws Exception {
    double rate = Math.max(1, atFullSpeed.lines / atFullSpeed.seconds() / 2);
    long most = (long) (rate * HALF_SPEED_SECONDS);
    Tally tally = tally();
    SurpriseJob.run(source.atRate(rate).first(most), recipe, andProgress("half speed", tally));
    return tally;
  }

  private static Tally tally() {
    return new Tally(SurpriseJob.exitNames().size(), LineScorer.BLOCKS * LineScorer.EXPERTS);
  }

  /** Adds scores to a tally and says once a second how many there are. */
  private static Consumer<LineScore> andProgress(String what, Tally tally) {
    long[] said = {System.nanoTime()};
    return score -> {
      tally.add(score);
      if (System.nanoTime() - said[0] > 1_000_000_000L) {
        said[0] = System.nanoTime();
        System.out.printf(
            Locale.ROOT,
            "%s: %,d lines, %,d bytes, %.3f bits per byte so far%n",
            what,
            tally.lines,
            tally.bytes,
            tally.bytes == 0 ? 0 : tally.bits / tally.bytes);
      }
    };
  }
}
