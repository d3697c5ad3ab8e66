package anabranch.onnx.state;

import java.nio.FloatBuffer;

/**
 * Keys and values of one sequence that queries may read.
 *
 * @param keys one after the other
 * @param values beside them
 * @param first the number of the first that may be read
 * @param count how many follow
 * @param positions of their rows, from the first on, ascending
 */
public record Keys(FloatBuffer keys, FloatBuffer values, int first, int count, int[] positions) {}
