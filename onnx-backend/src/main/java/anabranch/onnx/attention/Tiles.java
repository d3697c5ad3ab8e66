package anabranch.onnx.attention;

import anabranch.onnx.memory.Scope;
import anabranch.onnx.state.KeyValues;
import anabranch.onnx.state.Keys;
import java.nio.FloatBuffer;

/**
 * Which keys a query touches: whole tiles before the gap of its window, and whole tiles behind.
 * They follow from the place of its row in the sequence alone, whether or not the sequence still
 * has what lies between.
 *
 * @param kept behind the last before the gap; 0 for none
 * @param from the first behind the gap; {@code kept} where there is none
 * @param to behind the last
 */
record Tiles(int kept, int from, int to) {
  /** Returns all keys up to a number. */
  static Tiles upTo(int to) {
    return new Tiles(0, 0, to);
  }

  /**
   * Returns the tiles of a window.
   *
   * @param kept how many keys at the beginning are read for ever
   * @param first the first key that is read behind them
   */
  static Tiles of(int kept, int first, int to) {
    int before = kept == 0 ? 0 : KeyValues.tileEnd(kept - 1);
    int behind = KeyValues.tileStart(first);
    return new Tiles(before, Math.max(before, behind), to);
  }

  /** Returns how many keys these are. */
  int count() {
    return kept + to - from;
  }

  /** Returns the number that a key has among these; below 0 for one that is not here. */
  int place(int key) {
    return key < kept ? key : key < from ? -1 : key - from + kept;
  }

  /**
   * Returns these keys alone, one after the other.
   *
   * @param scope gives room where they have to be brought together
   */
  Keys of(Keys all, int keyWidth, int valueWidth, Scope scope) {
    if (count() == to) {
      return all;
    }
    int known = Math.min(to, all.count());
    int[] positions = new int[kept + known - from];
    System.arraycopy(all.positions(), 0, positions, 0, kept);
    System.arraycopy(all.positions(), from, positions, kept, known - from);
    if (kept == 0) {
      int first = all.first() + from;
      return new Keys(all.keys(), all.values(), first, positions.length, positions);
    }
    FloatBuffer keys = together(all.keys(), all.first(), keyWidth, scope);
    FloatBuffer values = together(all.values(), all.first(), valueWidth, scope);
    return new Keys(keys, values, 0, positions.length, positions);
  }

  private FloatBuffer together(FloatBuffer all, int first, int width, Scope scope) {
    FloatBuffer rows = scope.rows(count(), width);
    rows.put(0, all, first * width, kept * width);
    rows.put(kept * width, all, (first + from) * width, (to - from) * width);
    return rows;
  }

  /** Returns the numbers that some keys have among these. */
  int[] places(int[] keys) {
    int[] places = new int[keys.length];
    for (int i = 0; i < keys.length; i++) {
      places[i] = place(keys[i]);
    }
    return places;
  }
}
