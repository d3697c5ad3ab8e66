package anabranch.samples.next;

import anabranch.error.AnabranchException;
import anabranch.flink.model.ModelRecipe;
import anabranch.samples.surprise.SurpriseJob;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Tells how surprising each byte is that many writers type at once, when it comes and given the
 * writer's line so far.
 *
 * <p>Arguments are files; none stand for the bundled ones. Each part of 24 lines of a file has a
 * writer of its own. The system property {@code surprise.weights} names another file of weights,
 * {@code surprise.backend} another backend.
 */
public final class Next {
  static final int LINES = 24;
  private static final int SUBTASKS = 2;
  static final List<String> BUNDLED =
      List.of("text/odd/Orders.java", "text/odd/odd-lines-job.pom.xml", "text/odd/weights.md");

  private Next() {}

  /** Runs the program; exits with 1 after saying what is wrong with its input. */
  public static void main(String[] args) throws Exception {
    try {
      run(args.length == 0 ? BUNDLED : Arrays.asList(args));
    } catch (IOException | AnabranchException refused) {
      System.err.println("next: " + refused.getMessage());
      System.exit(1);
    }
  }

  private static void run(List<String> files) throws Exception {
    Writers writers = Writers.of(files.stream().map(Path::of).toList(), LINES);
    List<Keystroke> strokes = writers.strokes(1);
    ModelRecipe recipe =
        SurpriseJob.recipe(
            System.getProperty("surprise.backend", "onnx"),
            Path.of(System.getProperty("surprise.weights", "models/surprise.safetensors")));
    System.out.printf(
        Locale.ROOT,
        "%d writers type %,d bytes at once; each byte is answered when it comes by %s%n",
        writers.texts().size(),
        strokes.size(),
        recipe);
    long start = System.nanoTime();
    Path checkpoints = Files.createTempDirectory("anabranch-next");
    List<Answer> answers;
    try {
      answers = NextJob.run("next", strokes, recipe, SUBTASKS, checkpoints);
    } finally {
      delete(checkpoints);
    }
    double seconds = (System.nanoTime() - start) / 1e9;
    System.out.printf(
        Locale.ROOT,
        "%,d answers in %.1f s; tasks that failed on purpose: %d; %s%n%n",
        answers.size(),
        seconds,
        Stumble.falls("next"),
        balance(strokes, answers));
    System.out.print(new Report(writers, answers).text());
  }

  /** Says what is missing, doubled or out of order. */
  static String balance(List<Keystroke> strokes, List<Answer> answers) {
    return String.format(
        Locale.ROOT,
        "bytes without an answer: %d, answered twice: %d, out of their writer's order: %d",
        strokes.size() - distinct(answers),
        answers.size() - distinct(answers),
        disordered(answers));
  }

  private static int distinct(List<Answer> answers) {
    Set<String> seen = new HashSet<>();
    answers.forEach(answer -> seen.add(answer.writer() + " " + answer.number()));
    return seen.size();
  }

  private static int disordered(List<Answer> answers) {
    Map<String, Long> last = new HashMap<>();
    int wrong = 0;
    for (Answer answer : answers) {
      Long before = last.put(answer.writer(), answer.number());
      wrong += answer.number() == (before == null ? 0 : before + 1) ? 0 : 1;
    }
    return wrong;
  }

  static void delete(Path folder) throws IOException {
    try (Stream<Path> all = Files.walk(folder)) {
      for (Path each : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(each);
      }
    }
  }
}
