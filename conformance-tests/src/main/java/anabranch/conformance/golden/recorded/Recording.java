package anabranch.conformance.golden.recorded;

import anabranch.error.WeightsException;
import anabranch.weights.Safetensors;
import anabranch.weights.Tensor;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a reference implementation was given and answered: arrays under names. Remembers which were
 * asked for. Confined to one thread.
 */
public final class Recording implements AutoCloseable {
  private static final Pattern NUMBER = Pattern.compile("\\d+");

  /** Hidden vectors, which no backend shows, and numbers that only lead to what is compared. */
  private static final Pattern INNER =
      Pattern.compile(
          ".*\\.hidden(_states)?\\..*|.*(hidden_states?|masks|final_entropy)|.*\\.in\\..*"
              + "|.*(router_(logits?|probs?)|router\\.weights|topk_weight|combine_weights)"
              + "|.*gate_logits|.*as_published.*");

  private final Safetensors arrays;
  private final Set<String> keys;
  private final Set<String> read = new TreeSet<>();

  private Recording(Safetensors arrays) {
    this.arrays = arrays;
    keys = new TreeSet<>(arrays.names());
  }

  /**
   * Opens a file.
   *
   * @throws WeightsException if it cannot be read
   */
  public static Recording open(Path file) {
    return new Recording(Safetensors.open(file));
  }

  /** Returns the names of all cases, in order of their names, with numbers as numbers. */
  public List<String> cases() {
    Set<String> names = new LinkedHashSet<>();
    for (MatchResult input : matches("(.+)\\.in\\.[^.]+")) {
      names.add(input.group(1));
    }
    List<String> ordered = new ArrayList<>(names);
    ordered.sort(Comparator.comparing(Recording::padded));
    return ordered;
  }

  /** Fills numbers in a name up with zeros, so that names sort by them. */
  private static String padded(String name) {
    return NUMBER
        .matcher(name)
        .replaceAll(
            number -> "0".repeat(Math.max(0, 9 - number.group().length())) + number.group());
  }

  /** Returns whether there is an array of that name. */
  public boolean has(String key) {
    return keys.contains(key);
  }

  /** Returns what the keys that match a pattern as a whole say, in order of the keys. */
  public List<MatchResult> matches(String pattern) {
    List<MatchResult> results = new ArrayList<>();
    for (String key : keys) {
      Matcher matcher = Pattern.compile(pattern).matcher(key);
      if (matcher.matches()) {
        results.add(matcher.toMatchResult());
      }
    }
    return results;
  }

  /** Returns the extents of an array. */
  public List<Integer> shape(String key) {
    return arrays.tensor(key).shape();
  }

  /** Returns the numbers of an array, row-major. */
  public float[] floats(String key) {
    read.add(key);
    Tensor tensor = arrays.tensor(key);
    float[] values = new float[Math.toIntExact(tensor.elements())];
    tensor.copyTo(FloatBuffer.wrap(values));
    return values;
  }

  /**
   * Returns the whole numbers of an array, row-major.
   *
   * @throws WeightsException if one is no whole number
   */
  public int[] ints(String key) {
    float[] values = floats(key);
    int[] whole = new int[values.length];
    for (int i = 0; i < whole.length; i++) {
      whole[i] = (int) values[i];
      if (whole[i] != values[i]) {
        throw new WeightsException(key + "[" + i + "] " + values[i] + " is no whole number");
      }
    }
    return whole;
  }

  /** Returns the keys that nobody asked for although they could be compared. */
  public List<String> unread() {
    Predicate<String> inner = INNER.asMatchPredicate();
    return keys.stream().filter(key -> !read.contains(key) && !inner.test(key)).toList();
  }

  @Override
  public void close() {
    arrays.close();
  }
}
