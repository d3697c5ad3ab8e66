package anabranch.backend;

import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;

/**
 * What a stage produced. A unit is a row, or a span where the stage's point pools the item.
 * Confined to the thread that ran the stage, and closed before that thread's next call.
 */
public interface StageResult extends AutoCloseable {
  /**
   * Returns every row of the batch, in batch order; frozen rows are unchanged. Not closed with this
   * result.
   */
  Activations rows();

  /**
   * Returns the declared score of each unit, in batch order, without any threshold applied; NaN
   * where not scored, for scores that only the caller knows ({@code PATIENCE}, {@code CHOSEN}), and
   * for every unit where the point has no score.
   */
  FloatBuffer scores();

  /**
   * Returns the best class of each unit, ties to the lower one, -1 where not scored; empty unless
   * the point asks for labels.
   */
  IntBuffer labels();

  /**
   * Writes the outputs of some scored units, one after the other: for each, as many fp32 logits in
   * the buffer's byte order as the point's head has outputs. What the score does not need is
   * computed here.
   *
   * @param units indices of scored units
   * @param into advanced by what was written
   */
  void output(int[] units, ByteBuffer into);

  /** Returns the decisions taken inside the stage; empty unless asked for. */
  Trace trace();

  @Override
  void close();
}
