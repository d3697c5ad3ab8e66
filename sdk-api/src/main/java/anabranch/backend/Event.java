package anabranch.backend;

import anabranch.error.Bounds;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The next rows of one sequence, as the caller brought them: token ids, or feature vectors; and
 * what stands beside them, a key and a condition.
 *
 * <p>Immutable; any thread.
 */
public final class Event {
  private static final float[] NONE = {};

  private final int[] tokens;
  private final float[] features;
  private final int width;
  private final int rows;
  private final int firstPosition;
  private final @Nullable Long key;
  private final float[] condition;

  private Event(
      int[] tokens,
      float[] features,
      int width,
      int rows,
      int firstPosition,
      @Nullable Long key,
      float[] condition) {
    this.tokens = tokens;
    this.features = features;
    this.width = width;
    this.rows = rows;
    this.firstPosition = firstPosition;
    this.key = key;
    this.condition = condition;
  }

  /**
   * Returns an event of token ids at position 0; the array is copied.
   *
   * @throws anabranch.error.DescriptionException if there is none
   */
  public static Event ofTokens(int... tokens) {
    Bounds.atLeast("event.tokens.length", tokens.length, 1);
    return new Event(tokens.clone(), NONE, 0, tokens.length, 0, null, NONE);
  }

  /**
   * Returns an event of feature vectors at position 0; the array is copied.
   *
   * @param width the length of one vector, at least 1
   * @param values the vectors one after the other
   * @throws anabranch.error.DescriptionException if there is none, or values remain
   */
  public static Event ofFeatures(int width, float... values) {
    Bounds.atLeast("event.width", width, 1);
    Bounds.atLeast("event.values.length", values.length, width);
    Bounds.require(
        values.length % width == 0,
        "event.values.length " + values.length + " is not a multiple of width " + width);
    return new Event(new int[0], values.clone(), width, values.length / width, 0, null, NONE);
  }

  /** Returns the same rows as the continuation of a sequence that already has that many rows. */
  public Event at(int position) {
    Bounds.atLeast("event.firstPosition", position, 0);
    return new Event(tokens, features, width, rows, position, key, condition);
  }

  /**
   * Returns the same rows of the item with that key: what is drawn for them depends on it, and not
   * on when or with whom they run.
   */
  public Event keyed(long itemKey) {
    return new Event(tokens, features, width, rows, firstPosition, itemKey, condition);
  }

  /** Returns the same rows of the item whose key is the FNV-1a hash of a text in UTF-8. */
  public Event keyed(String itemKey) {
    long hash = 0xcbf29ce484222325L;
    for (byte octet : itemKey.getBytes(StandardCharsets.UTF_8)) {
      hash = (hash ^ (octet & 0xff)) * 0x100000001b3L;
    }
    return keyed(hash);
  }

  /**
   * Returns the same rows under a condition, such as the embedding of a diffusion step: numbers
   * that stand beside all of them, for routers that read it; the array is copied.
   *
   * @param numbers finite; none takes the condition away
   * @throws anabranch.error.DescriptionException if one is not finite
   */
  public Event conditioned(float... numbers) {
    for (int i = 0; i < numbers.length; i++) {
      Bounds.require(
          Float.isFinite(numbers[i]),
          "event.condition[" + i + "] " + numbers[i] + " is not finite");
    }
    return new Event(tokens, features, width, rows, firstPosition, key, numbers.clone());
  }

  /** Returns the same rows under the condition of another event, if it has one. */
  public Event under(Event other) {
    return new Event(tokens, features, width, rows, firstPosition, key, other.condition);
  }

  /** Returns how many numbers the condition has; 0 without one. */
  public int conditionLength() {
    return condition.length;
  }

  /**
   * Returns a read-only view of the condition.
   *
   * @param numbers how many it must have, at least 1
   * @throws IllegalStateException if it has another number, or there is none
   */
  public FloatBuffer condition(int numbers) {
    if (condition.length != numbers) {
      throw new IllegalStateException(
          Bounds.ruled(
              this + " has a condition of " + condition.length + " numbers, not " + numbers, "E7"));
    }
    return FloatBuffer.wrap(condition).asReadOnlyBuffer();
  }

  /** Returns whether the item has a key. */
  public boolean hasKey() {
    return key != null;
  }

  /**
   * Returns the item's key.
   *
   * @throws IllegalStateException if it has none
   */
  public long key() {
    if (key == null) {
      throw new IllegalStateException(Bounds.ruled(this + " has no key", "E7"));
    }
    return key;
  }

  /** Returns the number of rows, at least 1. */
  public int rows() {
    return rows;
  }

  /** Returns the position of the first row in its sequence. */
  public int firstPosition() {
    return firstPosition;
  }

  /** Returns whether rows are token ids. */
  public boolean hasTokens() {
    return tokens.length > 0;
  }

  /** Returns the length of a feature vector; 0 for token ids. */
  public int width() {
    return width;
  }

  /** Returns the token id of the row at a position of the sequence that this event covers. */
  public int token(int position) {
    return tokens[position - firstPosition];
  }

  /** Returns a read-only view of the feature vector at a position that this event covers. */
  public FloatBuffer features(int position) {
    int start = (position - firstPosition) * width;
    return FloatBuffer.wrap(features, start, width).slice().asReadOnlyBuffer();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Event that
        && firstPosition == that.firstPosition
        && width == that.width
        && Objects.equals(key, that.key)
        && Arrays.equals(tokens, that.tokens)
        && Arrays.equals(features, that.features)
        && Arrays.equals(condition, that.condition);
  }

  @Override
  public int hashCode() {
    return 31 * Arrays.hashCode(tokens) + Arrays.hashCode(features) + firstPosition;
  }

  @Override
  public String toString() {
    return "Event["
        + rows
        + (hasTokens() ? " tokens" : " feature rows")
        + " at "
        + firstPosition
        + "]";
  }
}
