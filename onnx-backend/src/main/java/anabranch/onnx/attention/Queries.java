package anabranch.onnx.attention;

import java.nio.FloatBuffer;

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
}
