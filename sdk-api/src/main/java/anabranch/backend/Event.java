package anabranch.backend;

import anabranch.error.Bounds;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The next rows of one sequence, as the caller brought them: token ids, or feature vectors.
 *
 * <p>Immutable; any thread.
 */
public final class Event {
  private final int[] tokens;
  private final float[] features;
  private final int width;
  private final int rows;
  private final int firstPosition;
  private final @Nullable Long key;

  private Event(
      int[] tokens, float[] features, int width, int rows, int firstPosition, @Nullable Long key) {
    this.tokens = tokens;
    this.features = features;
    this.width = width;
    this.rows = rows;
    this.firstPosition = firstPosition;
    this.key = key;
  }

  /**
   * Returns an event of token ids at position 0; the array is copied.
   *
   * @throws anabranch.error.DescriptionException if there is none
   */
  public static Event ofTokens(int... tokens) {
    Bounds.atLeast("event.tokens.length", tokens.length, 1);
    return new Event(tokens.clone(), new float[0], 0, tokens.length, 0, null);
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
    return new Event(new int[0], values.clone(), width, values.length / width, 0, null);
  }

  /** Returns the same rows as the continuation of a sequence that already has that many rows. */
  public Event at(int position) {
    Bounds.atLeast("event.firstPosition", position, 0);
    return new Event(tokens, features, width, rows, position, key);
  }

  /**
   * Returns the same rows of the item with that key: what is drawn for them depends on it, and not
   * on when or with whom they run.
   */
  public Event keyed(long itemKey) {
    return new Event(tokens, features, width, rows, firstPosition, itemKey);
  }

  /** Returns the same rows of the item whose key is the FNV-1a hash of a text in UTF-8. */
  public Event keyed(String itemKey) {
    long hash = 0xcbf29ce484222325L;
    for (byte octet : itemKey.getBytes(StandardCharsets.UTF_8)) {
      hash = (hash ^ (octet & 0xff)) * 0x100000001b3L;
    }
    return keyed(hash);
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
        && Arrays.equals(features, that.features);
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
