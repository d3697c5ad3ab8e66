package anabranch.engine;

import anabranch.backend.Numerics;
import anabranch.backend.Trace;
import java.nio.FloatBuffer;
import java.util.List;

/**
 * The answer to one item: what each unit said, where it left, and what that cost. A unit is a row,
 * or the whole item where the model's heads pool.
 *
 * <p>Immutable; any thread.
 */
public final class Inference {
  private final String item;
  private final String model;
  private final String policy;
  private final Numerics numerics;
  private final int outputs;
  private final float[] logits;
  private final int[] exits;
  private final int[] depths;
  private final float[] scores;
  private final long flops;
  private final long fullFlops;
  private final List<Trace.Choices> choices;
  private final long nanos;

  Inference(Pending pending, long nanos) {
    item = pending.item().id();
    model = pending.model();
    policy = pending.policy().version();
    numerics = pending.numerics();
    outputs = pending.outputs();
    logits = pending.logits();
    exits = pending.exits();
    depths = pending.depths();
    scores = pending.scores();
    flops = pending.flops();
    fullFlops = pending.fullFlops();
    choices = pending.choices();
    this.nanos = nanos;
  }

  /** Returns the id of the item. */
  public String item() {
    return item;
  }

  /** Returns the name of the model that answered. */
  public String model() {
    return model;
  }

  /** Returns what computed the numbers: device, number type and how far they repeat. */
  public Numerics numerics() {
    return numerics;
  }

  /** Returns the version of the policy the item ran under. */
  public String policy() {
    return policy;
  }

  /** Returns the number of units: rows, or 1. */
  public int units() {
    return exits.length;
  }

  /** Returns how many logits a unit has. */
  public int outputs() {
    return outputs;
  }

  /** Returns a read-only view of a unit's logits. */
  public FloatBuffer logits(int unit) {
    return FloatBuffer.wrap(logits, unit * outputs, outputs).slice().asReadOnlyBuffer();
  }

  /** Returns the class with the largest logit; the lowest index among equals. */
  public int label(int unit) {
    int best = 0;
    int start = unit * outputs;
    for (int c = 1; c < outputs; c++) {
      if (logits[start + c] > logits[start + best]) {
        best = c;
      }
    }
    return best;
  }

  /** Returns the index of the stage behind which a unit left. */
  public int exit(int unit) {
    return exits[unit];
  }

  /** Returns how many blocks a unit ran. */
  public int depth(int unit) {
    return depths[unit];
  }

  /** Returns the score with which a unit left; NaN at the end of the plan and where forced. */
  public float score(int unit) {
    return scores[unit];
  }

  /**
   * Returns the floating-point operations executed for this item: blocks, keys and values of frozen
   * rows, and every head that was evaluated.
   */
  public long flops() {
    return flops;
  }

  /** Returns the floating-point operations of the same item at full depth. */
  public long fullFlops() {
    return fullFlops;
  }

  /**
   * Returns the experts each row saw, one entry for each mixture in plan order, -1 where a row did
   * not run; empty unless the engine traces.
   */
  public List<Trace.Choices> choices() {
    return choices;
  }

  /** Returns the nanoseconds from submission to this answer. */
  public long nanos() {
    return nanos;
  }

  @Override
  public String toString() {
    return "Inference[" + item + ", " + units() + " units, policy " + policy + "]";
  }
}
