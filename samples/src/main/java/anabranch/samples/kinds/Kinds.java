package anabranch.samples.kinds;

import anabranch.error.AnabranchException;
import anabranch.flink.model.ModelRecipe;
import anabranch.samples.alarm.Kind;
import anabranch.samples.alarm.Levels;
import anabranch.samples.surprise.SurpriseJob;
import anabranch.samples.text.TextSource;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;

/**
 * Prints a table of what the model gives for each kind of text below a folder: the first half of
 * the lines count as normal and fix the level, the others are judged as they are, and once more
 * with oddities planted into some of them. The table is Markdown.
 *
 * <p>The argument is a folder of texts that the model was not trained on. The system property
 * {@code surprise.weights} names another file of weights, {@code surprise.backend} another backend.
 */
public final class Kinds {
  private static final int MOST_LINES = 4_000;
  private static final int PLANTED = 100;
  private static final long SEED = 20_260_101;

  private Kinds() {}

  /** Runs the program; exits with 1 after saying what is wrong with its input. */
  public static void main(String[] args) throws Exception {
    try {
      if (args.length != 1) {
        throw new IOException("the argument is one folder, not " + List.of(args));
      }
      System.out.print(table(args[0], recipe()));
    } catch (IOException | AnabranchException refused) {
      System.err.println("kinds: " + refused.getMessage());
      System.exit(1);
    }
  }

  private static ModelRecipe recipe() {
    return SurpriseJob.recipe(
        System.getProperty("surprise.backend", "onnx"),
        Path.of(System.getProperty("surprise.weights", "models/surprise.safetensors")));
  }

  /** Returns the table for the texts below a folder. */
  static String table(String folder, ModelRecipe recipe) throws Exception {
    List<KindText> texts = KindText.read(folder, MOST_LINES, SEED);
    List<KindRow> rows = new ArrayList<>();
    List<String> tooFew = new ArrayList<>();
    for (KindText text : texts) {
      if (text.normal().size() < Levels.LEAST_NORMAL) {
        tooFew.add(text.kind() + " (" + text.lines().size() + " lines)");
      } else {
        System.err.printf(Locale.ROOT, "kinds: %s, %,d lines%n", text.kind(), text.lines().size());
        rows.add(row(text, recipe));
      }
    }
    if (rows.isEmpty()) {
      throw new IOException(
          "no kind below " + folder + " has " + 2 * Levels.LEAST_NORMAL + " lines: " + tooFew);
    }
    String left =
        tooFew.isEmpty() ? "" : "\nLeft out, too few lines: " + String.join(", ", tooFew) + ".\n";
    return KindRow.markdown(rows, SurpriseJob.exitNames()) + left;
  }

  private static KindRow row(KindText text, ModelRecipe recipe) throws Exception {
    Path folder = Files.createTempDirectory("kinds");
    try {
      String ending = text.kind().equals(Kind.NO_ENDING) ? "" : "." + text.kind();
      Path normal = write(folder.resolve("normal" + ending), text.normal());
      Path others = write(folder.resolve("others" + ending), text.others());
      Map<Oddity, String> planted = new EnumMap<>(Oddity.class);
      for (Map.Entry<Oddity, List<byte[]>> entry : planted(text).entrySet()) {
        Path file = folder.resolve(entry.getKey().name() + ending);
        planted.put(entry.getKey(), write(file, entry.getValue()).toString());
      }
      List<String> files = new ArrayList<>(List.of(normal.toString(), others.toString()));
      files.addAll(planted.values());
      KindRow row = new KindRow(text.kind(), normal.toString(), others.toString(), planted);
      SurpriseJob.run(TextSource.of(files), recipe, row::add);
      return row;
    } finally {
      try (var files = Files.list(folder)) {
        for (Path file : files.toList()) {
          Files.delete(file);
        }
      }
      Files.delete(folder);
    }
  }

  /** Returns odd lines, of each oddity as many. */
  private static Map<Oddity, List<byte[]>> planted(KindText text) {
    List<byte[]> hosts = text.others().stream().filter(Planter::fits).toList();
    Random random = new Random(SEED);
    Planter planter = new Planter(SEED);
    Map<Oddity, List<byte[]>> planted = new EnumMap<>(Oddity.class);
    for (Oddity oddity : Oddity.values()) {
      List<byte[]> lines = new ArrayList<>();
      for (int i = 0; i < PLANTED && !hosts.isEmpty(); i++) {
        byte[] host = hosts.get(random.nextInt(hosts.size()));
        lines.add(planter.plant(oddity, text.kind(), host));
      }
      planted.put(oddity, lines);
    }
    return planted;
  }

  private static Path write(Path file, List<byte[]> lines) throws IOException {
    try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file))) {
      for (byte[] line : lines) {
        out.write(line);
        if (line.length == 0 || line[line.length - 1] != '\n') {
          out.write('\n');
        }
      }
    }
    return file;
  }
}
