package anabranch.onnx.attention;

import java.nio.FloatBuffer;
import java.util.Arrays;

/**
 * Queries of one sequence.
 *
 * @param q packed with those of other sequences
 * @param place of the first; the others follow
 * @param own for each, the number of its own key; ascending
 * @param positions of their rows
 */
public record Queries(FloatBuffer q, int place, int[] own, int[] positions) {
  int count() {
    return own.length;
  }

  /** Returns some of these queries, to keys of which only some tiles are there. */
  Queries among(Tiles tiles, int from, int to) {
    if (from == 0 && to == own.length && tiles.from() == tiles.kept()) {
      return this;
    }
    int[] keys = tiles.places(Arrays.copyOfRange(own, from, to));
    return new Queries(q, place + from, keys, Arrays.copyOfRange(positions, from, to));
  }
}
