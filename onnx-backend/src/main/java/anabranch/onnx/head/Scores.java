package anabranch.onnx.head;

import anabranch.onnx.memory.BufferPool;
import anabranch.onnx.memory.Lent;
import org.jspecify.annotations.Nullable;

/**
 * What the units of a batch scored.
 *
 * @param values the score of each unit; NaN where not scored, and where the point has no score
 * @param labels the best class of each unit, -1 where not scored; empty where nobody asks
 * @param units the scored units whose logits were kept, ascending
 * @param logits theirs, one after the other, in a buffer of the pool; null where none were kept
 */
public record Scores(float[] values, int[] labels, int[] units, @Nullable Lent logits) {
  /** Gives the buffer back. */
  public void release(BufferPool pool) {
    if (logits != null) {
      pool.give(logits);
    }
  }
}
