package anabranch.onnx.run;

import anabranch.backend.SequenceState;
import anabranch.onnx.attention.KeyValues;
import anabranch.onnx.memory.BufferPool;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What one sequence keeps: keys and values by slot, and token ids where n-grams read back. A call
 * writes behind the published rows and publishes when it succeeds, so one that fails leaves
 * nothing. In one call at a time.
 */
final class OnnxState implements SequenceState {
  private final OnnxModel model;
  private final Map<Integer, Slot> slots = new HashMap<>();
  private int[] tokens = new int[0];
  private int firstUnknownToken;
  private boolean closed;

  OnnxState(OnnxModel model) {
    this.model = model;
  }

  OnnxModel model() {
    return model;
  }

  /** Returns the slot of that number, with that many attentions. */
  Slot slot(int number, List<Integer> keyValueWidths) {
    if (closed) {
      throw new IllegalStateException("the sequence state is closed");
    }
    return slots.computeIfAbsent(number, n -> new Slot(model.pool(), keyValueWidths));
  }

  /** Returns the token id at a position that an earlier event brought. */
  int token(int position) {
    if (position >= firstUnknownToken) {
      throw new IllegalArgumentException(
          "the token id at position " + position + " is needed, but no earlier call brought it");
    }
    return tokens[position];
  }

  /** Returns how many token ids are known, from position 0 on. */
  int knownTokens() {
    return firstUnknownToken;
  }

  /** Remembers token ids from a position on, which is not above {@link #knownTokens}. */
  void publishTokens(int position, int[] ids) {
    int end = position + ids.length;
    if (tokens.length < end) {
      tokens = Arrays.copyOf(tokens, Math.max(end, 2 * tokens.length));
    }
    System.arraycopy(ids, 0, tokens, position, ids.length);
    firstUnknownToken = Math.max(firstUnknownToken, end);
  }

  @Override
  public long bytes() {
    long sum = 4L * tokens.length;
    for (Slot slot : slots.values()) {
      for (KeyValues layer : slot.layers) {
        sum += layer.bytes();
      }
    }
    return sum;
  }

  @Override
  public void close() {
    closed = true;
    slots.values().forEach(slot -> slot.layers.forEach(KeyValues::close));
    slots.clear();
  }

  /** The keys and values of one visit to a stage. */
  static final class Slot {
    final List<KeyValues> layers = new ArrayList<>();
    private int rows;
    private int lastPosition = -1;

    Slot(BufferPool pool, List<Integer> keyValueWidths) {
      keyValueWidths.forEach(width -> layers.add(new KeyValues(pool, width)));
    }

    /** Returns how many rows are published. */
    int rows() {
      return rows;
    }

    /** Returns the position of the last published row; -1 if there is none. */
    int lastPosition() {
      return lastPosition;
    }

    void publish(int count, int position) {
      rows += count;
      lastPosition = position;
    }
  }
}
