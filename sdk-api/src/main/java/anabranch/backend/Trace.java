package anabranch.backend;

import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.List;

/**
 * The way rows took inside a stage.
 *
 * @param choices one entry for each mixture of the stage, in plan order; empty when not asked for
 */
public record Trace(List<Choices> choices) {
  /** Copies the list. */
  public Trace {
    choices = List.copyOf(choices);
  }

  /** Returns the trace that says nothing. */
  public static Trace none() {
    return new Trace(List.of());
  }

  /**
   * What one mixture chose for each row of the batch.
   *
   * @param path the mixture's parameter path, such as {@code "blocks.0.mixture"}
   * @param k how many experts each row saw
   * @param experts rows x k expert indices, best first; -1 for rows that did not run
   * @param gates rows x k weights, beside the experts
   */
  public record Choices(String path, int k, IntBuffer experts, FloatBuffer gates) {
    /** Makes the buffers read-only. */
    public Choices {
      experts = experts.asReadOnlyBuffer();
      gates = gates.asReadOnlyBuffer();
    }
  }
}
