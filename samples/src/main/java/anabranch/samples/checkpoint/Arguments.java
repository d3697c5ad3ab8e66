package anabranch.samples.checkpoint;

import anabranch.backend.LoadOptions;
import anabranch.checkpoint.CheckpointOptions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What the program was asked for. Immutable.
 *
 * @param folder the checkpoint
 * @param options how it is read
 * @param loading how it is loaded
 * @param backend runs it
 * @param ids token ids to answer for; empty to run nothing
 * @param read token ids for an encoder; empty for none
 * @param more how many ids to add, each the most likely one
 * @param thresholds of exits, halts and prunes, by id
 */
record Arguments(
    Path folder,
    CheckpointOptions options,
    LoadOptions loading,
    String backend,
    List<Integer> ids,
    List<Integer> read,
    int more,
    Map<String, Double> thresholds) {
  static final String USAGE =
      "FOLDER [--family NAME] [--set NAME=VALUE]... [--ids N,N,...] [--read N,N,...] [--new COUNT]"
          + " [--threshold ID=NUMBER]... [--accept PATH]... [--backend NAME]";

  Arguments {
    ids = List.copyOf(ids);
    read = List.copyOf(read);
    thresholds = Map.copyOf(thresholds);
  }

  /**
   * Returns the arguments of a command line.
   *
   * @throws IllegalArgumentException if an option is unknown, lacks its value or has none of its
   *     kind
   */
  static Arguments of(String... args) {
    Path folder = null;
    CheckpointOptions options = CheckpointOptions.defaults();
    LoadOptions loading = LoadOptions.defaults();
    String backend = "onnx";
    List<Integer> ids = new ArrayList<>();
    List<Integer> read = new ArrayList<>();
    int more = 0;
    Map<String, Double> thresholds = new TreeMap<>();
    for (int i = 0; i < args.length; i++) {
      String option = args[i];
      if (!option.startsWith("--")) {
        if (folder != null) {
          throw new IllegalArgumentException(
              "folder \"" + option + "\" is the second; the arguments are " + USAGE);
        }
        folder = Path.of(option);
        continue;
      }
      if (i + 1 == args.length) {
        throw new IllegalArgumentException(option + " needs a value; the arguments are " + USAGE);
      }
      String value = args[++i];
      switch (option) {
        case "--family" -> options = options.withFamily(value);
        case "--set" -> options = options.with(before(option, value), behind(value));
        case "--ids" -> ids.addAll(numbers(option, value));
        case "--read" -> read.addAll(numbers(option, value));
        case "--new" -> more = number(option, value);
        case "--threshold" -> thresholds.put(before(option, value), real(option, behind(value)));
        case "--accept" -> loading = loading.accepting(value);
        case "--backend" -> backend = value;
        default ->
            throw new IllegalArgumentException(
                "option \"" + option + "\" is unknown; the arguments are " + USAGE);
      }
    }
    return checked(folder, options, loading, backend, ids, read, more, thresholds);
  }

  private static Arguments checked(
      @Nullable Path folder,
      CheckpointOptions options,
      LoadOptions loading,
      String backend,
      List<Integer> ids,
      List<Integer> read,
      int more,
      Map<String, Double> thresholds) {
    if (folder == null) {
      throw new IllegalArgumentException("no folder is given; the arguments are " + USAGE);
    }
    if (ids.isEmpty() && (more > 0 || !read.isEmpty())) {
      throw new IllegalArgumentException("--new and --read need --ids");
    }
    return new Arguments(folder, options, loading, backend, ids, read, more, thresholds);
  }

  private static String before(String option, String pair) {
    int at = pair.indexOf('=');
    if (at < 1) {
      throw new IllegalArgumentException(option + " \"" + pair + "\" is not NAME=VALUE");
    }
    return pair.substring(0, at);
  }

  private static String behind(String pair) {
    return pair.substring(pair.indexOf('=') + 1);
  }

  private static List<Integer> numbers(String option, String list) {
    return Arrays.stream(list.split(",")).map(each -> number(option, each)).toList();
  }

  private static int number(String option, String text) {
    try {
      int number = Integer.parseInt(text.strip());
      if (number >= 0) {
        return number;
      }
    } catch (NumberFormatException malformed) {
      throw new IllegalArgumentException(
          option + " \"" + text + "\" is not a whole number from 0 on", malformed);
    }
    throw new IllegalArgumentException(option + " " + text + " is below 0");
  }

  private static double real(String option, String text) {
    try {
      return Double.parseDouble(text);
    } catch (NumberFormatException malformed) {
      throw new IllegalArgumentException(option + " \"" + text + "\" is not a number", malformed);
    }
  }
}
