package anabranch.backend;

import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.List;

/**
 * The way rows took inside a stage.
 *
 * @param choices one entry for each router of the stage, in the order in which they ran; empty when
 *     not asked for
 */
public record Trace(List<Choices> choices) {
  private static final Trace NONE = new Trace(List.of());

  /** Copies the list. */
  public Trace {
    choices = List.copyOf(choices);
  }

  /** Returns the trace that says nothing. */
  public static Trace none() {
    return NONE;
  }

  /**
   * What one router chose for each row of the batch: that of a mixture, a skip, or an attention
   * whose heads are routed, or of one head where projections are.
   *
   * @param path the parameter path of what it picks from, such as {@code "blocks.0.mixture"}, or
   *     {@code "blocks.0.attention.v.1"} for the values of head 1
   * @param visit the number of the visit in its stage, from 0: a block may run more than once
   * @param k the most experts that a row can see
   * @param experts rows x k expert indices, best first, then -1; all -1 for rows that were not
   *     asked or run none; {@code -2 - e} for an expert e that was picked and had no room. A skip
   *     has the single expert 0
   * @param gates rows x k weights, beside the experts; 0 beside those that did not run
   * @param ran how many rows each expert computed, counted where it does
   */
  public record Choices(
      String path, int visit, int k, IntBuffer experts, FloatBuffer gates, IntBuffer ran) {
    /** Makes the buffers read-only. */
    public Choices {
      experts = experts.asReadOnlyBuffer();
      gates = gates.asReadOnlyBuffer();
      ran = ran.asReadOnlyBuffer();
    }
  }
}
