package anabranch.benchmarks;

import anabranch.checkpoint.Checkpoint;
import anabranch.error.AnabranchException;
import anabranch.weights.Safetensors;
import anabranch.weights.Tensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Damages headers, indexes and configurations of recorded checkpoints, again and again by seeds,
 * and opens them: each must be refused in this project's own words, or give the right numbers; a
 * damaged configuration may also describe another model that the tensors fit.
 */
public final class Mutations {
  private static final Path RECORDED =
      Path.of("../conformance-tests/src/main/resources/anabranch/conformance/golden/models");
  private static final String SINGLE = "model.safetensors";
  private static final String INDEX = "model.safetensors.index.json";
  private static final String CONFIG = "config.json";
  private static final int MOST_SHOWN = 20;
  private static final String[] WORDS =
      ("{|}|[|]|,|:|\"|\\|null|true|-1|0|1e999|99999999999999999999|0.5|2147483647|2147483648"
              + "|9223372036854775807|-9223372036854775808|1e-400|\"F16\"|\"BF16\"|\"I64\"|\"BOOL\""
              + "|../|/|\"x\"|\u0000|\ud83c\udf0a|\"__metadata__\"|[[[[[[[[|{\"a\":")
          .split("\\|");

  /** What became of one damaged file. */
  private enum Outcome {
    REFUSED,
    RIGHT,
    OTHER_MODEL,
    WRONG
  }

  private final Path folder;
  private final Map<String, Map<Outcome, Integer>> counts = new TreeMap<>();
  private int shown;

  private Mutations(Path folder) {
    this.folder = folder;
  }

  /** Runs as many rounds as the only argument says, and exits with 1 if one was wrong. */
  public static void main(String[] arguments) throws Exception {
    int rounds = arguments.length == 1 ? Integer.parseInt(arguments[0]) : 0;
    if (rounds < 1) {
      System.err.println("mutations: say how many, from 1 on");
      System.exit(1);
    }
    Path folder = Files.createTempDirectory("mutations");
    try {
      Mutations mutations = new Mutations(folder);
      long start = System.nanoTime();
      mutations.run(rounds);
      mutations.counts.forEach((kind, found) -> System.out.println(kind + ": " + found));
      System.out.printf(
          Locale.ROOT,
          "%d damaged files in %.0f s, heap of at most %d MB%n",
          rounds,
          (System.nanoTime() - start) / 1e9,
          Runtime.getRuntime().maxMemory() >> 20);
      if (mutations.counts.values().stream().anyMatch(each -> each.containsKey(Outcome.WRONG))) {
        System.exit(1);
      }
    } finally {
      Synthetic.delete(folder);
    }
  }

  private void run(int rounds) throws Exception {
    List<Path> models = new ArrayList<>();
    try (Stream<Path> all = Files.list(RECORDED)) {
      all.filter(Files::isDirectory).sorted().forEach(models::add);
    }
    List<Callable<@Nullable Void>> tasks = new ArrayList<>();
    int each = rounds / models.size();
    for (int m = 0; m < models.size(); m++) {
      Path model = models.get(m);
      int own = m == 0 ? rounds - each * (models.size() - 1) : each;
      tasks.add(() -> header(model, own / 3));
      tasks.add(() -> index(model, own / 3));
      tasks.add(() -> config(model, own - 2 * (own / 3)));
    }
    ExecutorService threads =
        Executors.newFixedThreadPool(Runtime.getRuntime().availableProcessors());
    try {
      for (Future<@Nullable Void> task : threads.invokeAll(tasks)) {
        task.get();
      }
    } finally {
      threads.shutdownNow();
    }
  }

  private @Nullable Void header(Path model, int rounds) throws IOException {
    Path copy = single(model);
    Map<String, float[]> right = numbers(copy);
    byte[] whole = Files.readAllBytes(copy.resolve(SINGLE));
    int end = 8 + (int) ByteBuffer.wrap(whole).order(ByteOrder.LITTLE_ENDIAN).getLong();
    byte[] text = Arrays.copyOfRange(whole, 8, end);
    for (int seed = 0; seed < rounds; seed++) {
      SplittableRandom random = new SplittableRandom(seed);
      byte[] damaged = damaged(text, random);
      boolean lies = random.nextInt(16) == 0;
      long length = lies ? random.nextLong() >>> random.nextInt(64) : damaged.length;
      ByteBuffer bytes = ByteBuffer.allocate(8 + damaged.length + whole.length - end);
      bytes.order(ByteOrder.LITTLE_ENDIAN).putLong(length).put(damaged);
      bytes.put(whole, end, whole.length - end);
      int cut = random.nextInt(16) == 0 ? random.nextInt(bytes.capacity()) : bytes.capacity();
      Files.write(copy.resolve(SINGLE), Arrays.copyOf(bytes.array(), cut));
      count("header", model, seed, copy, right, false);
    }
    return null;
  }

  private @Nullable Void index(Path model, int rounds) throws IOException {
    Path copy = sharded(model);
    Map<String, float[]> right = numbers(copy);
    byte[] whole = Files.readAllBytes(copy.resolve(INDEX));
    for (int seed = 0; seed < rounds; seed++) {
      Files.write(copy.resolve(INDEX), damaged(whole, new SplittableRandom(seed)));
      count("index", model, seed, copy, right, false);
    }
    return null;
  }

  private @Nullable Void config(Path model, int rounds) throws IOException {
    Path copy = single(model);
    Map<String, float[]> right = numbers(copy);
    byte[] whole = Files.readAllBytes(copy.resolve(CONFIG));
    for (int seed = 0; seed < rounds; seed++) {
      Files.write(copy.resolve(CONFIG), damaged(whole, new SplittableRandom(seed)));
      count("config", model, seed, copy, right, true);
    }
    return null;
  }

  private void count(
      String kind, Path model, int seed, Path copy, Map<String, float[]> right, boolean others) {
    Outcome outcome;
    try {
      boolean same = same(right, numbers(copy));
      outcome = same ? Outcome.RIGHT : others ? Outcome.OTHER_MODEL : Outcome.WRONG;
      if (outcome == Outcome.WRONG) {
        show(kind, model, seed, "other numbers");
      }
    } catch (AnabranchException refused) {
      outcome = Outcome.REFUSED;
    } catch (RuntimeException | Error foreign) {
      outcome = Outcome.WRONG;
      StackTraceElement[] at = foreign.getStackTrace();
      show(kind, model, seed, foreign + (at.length == 0 ? "" : " at " + at[0]));
    }
    synchronized (counts) {
      counts.computeIfAbsent(kind, any -> new TreeMap<>()).merge(outcome, 1, Integer::sum);
    }
  }

  private synchronized void show(String kind, Path model, int seed, String what) {
    if (shown++ < MOST_SHOWN) {
      System.out.println("WRONG " + kind + " of " + model.getFileName() + " " + seed + ": " + what);
    }
  }

  private static boolean same(Map<String, float[]> right, Map<String, float[]> found) {
    return right.keySet().equals(found.keySet())
        && right.keySet().stream()
            .allMatch(name -> Arrays.equals(right.get(name), found.get(name)));
  }

  private static Map<String, float[]> numbers(Path folder) {
    Map<String, float[]> numbers = new TreeMap<>();
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      checkpoint.weights().requireFit(checkpoint.spec());
      for (String name : checkpoint.weights().names()) {
        Tensor tensor = checkpoint.weights().tensor(name);
        FloatBuffer into = FloatBuffer.allocate((int) tensor.elements());
        tensor.copyTo(into);
        numbers.put(name, into.array());
      }
    }
    return numbers;
  }

  private Path single(Path model) throws IOException {
    Path copy = Files.createTempDirectory(folder, "single");
    Files.copy(model.resolve(CONFIG), copy.resolve(CONFIG));
    Files.copy(model.resolve(SINGLE), copy.resolve(SINGLE));
    return copy;
  }

  /** Copies a model with its tensors in two files by turns. */
  private Path sharded(Path model) throws IOException {
    Path copy = Files.createTempDirectory(folder, "sharded");
    Files.copy(model.resolve(CONFIG), copy.resolve(CONFIG));
    Map<String, String> map = new TreeMap<>();
    try (Safetensors all = Safetensors.open(model.resolve(SINGLE))) {
      for (int shard = 0; shard < 2; shard++) {
        List<Tensor> own = new ArrayList<>();
        String file = "model-" + shard + ".safetensors";
        int turn = 0;
        for (String name : all.names()) {
          if (turn++ % 2 == shard) {
            own.add(all.tensor(name));
            map.put(name, file);
          }
        }
        Safetensors.write(copy.resolve(file), own);
      }
    }
    String entries =
        map.entrySet().stream()
            .map(each -> "\"" + each.getKey() + "\": \"" + each.getValue() + "\"")
            .collect(Collectors.joining(", "));
    Files.writeString(copy.resolve(INDEX), "{\"metadata\": {}, \"weight_map\": {" + entries + "}}");
    return copy;
  }

  private static byte[] damaged(byte[] text, SplittableRandom random) {
    return random.nextInt(3) == 0 ? flipped(text, random) : worded(text, random);
  }

  private static byte[] flipped(byte[] text, SplittableRandom random) {
    byte[] copy = text.clone();
    for (int i = random.nextInt(1, 4); i > 0; i--) {
      copy[random.nextInt(copy.length)] = (byte) random.nextInt(256);
    }
    return copy;
  }

  /** Puts words into a text, or into the place of some of it. */
  private static byte[] worded(byte[] text, SplittableRandom random) {
    StringBuilder into = new StringBuilder(new String(text, StandardCharsets.UTF_8));
    for (int i = random.nextInt(1, 3); i > 0; i--) {
      int at = random.nextInt(into.length());
      for (int step = random.nextInt(2) * 40; step > 0 && at + 1 < into.length(); step--) {
        at += Character.isDigit(into.charAt(at)) ? 0 : 1;
      }
      int end = Math.min(into.length(), at + random.nextInt(3));
      boolean digits = Character.isDigit(into.charAt(at)) && random.nextBoolean();
      String word = digits ? "" + random.nextInt(10) : WORDS[random.nextInt(WORDS.length)];
      into.replace(at, digits ? at + 1 : end, word);
    }
    return into.toString().getBytes(StandardCharsets.UTF_8);
  }
}
