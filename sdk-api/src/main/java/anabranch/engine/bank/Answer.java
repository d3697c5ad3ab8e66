package anabranch.engine.bank;

import anabranch.engine.Inference;
import anabranch.engine.Item;
import anabranch.error.Bounds;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;

/**
 * The answer of a bank to one item: the sum of what the picked members say, and who had a part in
 * it. Immutable; any thread.
 */
public final class Answer {
  private final Item item;
  private final List<Branch.Outcome> branches;
  private final Choice choice;
  private final List<Inference> inferences;
  private final int units;
  private final int outputs;
  private final float[] logits;

  Answer(Item item, List<Branch.Outcome> branches, Choice choice, List<Inference> inferences) {
    this.item = item;
    this.branches = List.copyOf(branches);
    this.choice = choice;
    this.inferences = List.copyOf(inferences);
    Inference first = inferences.get(0);
    units = first.units();
    outputs = first.outputs();
    for (Inference other : inferences) {
      Bounds.require(
          other.units() == units && other.outputs() == outputs,
          "answers of " + shape(first) + " and " + shape(other) + " logits have no sum");
      Bounds.require(
          Arrays.equals(first.positions(), other.positions()),
          "answers of models \""
              + first.model()
              + "\" and \""
              + other.model()
              + "\" kept other rows");
    }
    logits = new float[units * outputs];
    for (int unit = 0; unit < units; unit++) {
      for (int i = 0; i < outputs; i++) {
        logits[unit * outputs + i] = sum(unit, i);
      }
    }
  }

  private static String shape(Inference inference) {
    return inference.units() + " x " + inference.outputs();
  }

  private float sum(int unit, int output) {
    double sum = 0;
    for (int n = 0; n < inferences.size(); n++) {
      double part =
          (double) choice.shares().get(n).weight() * inferences.get(n).logits(unit).get(output);
      sum = n == 0 ? part : sum + part;
    }
    return (float) sum;
  }

  /** Returns the item that the members read: as the branches left it. */
  public Item item() {
    return item;
  }

  /** Returns what became of each branch, in the order of the bank; empty where none was asked. */
  public List<Branch.Outcome> branches() {
    return branches;
  }

  /** Returns which members answered, with what weights, and by whose vote. */
  public Choice choice() {
    return choice;
  }

  /**
   * Returns what the members said, in the order of the choice: each names its model, version and
   * policy, and how many operations it took.
   */
  public List<Inference> inferences() {
    return inferences;
  }

  /** Returns the number of units: rows, or 1. */
  public int units() {
    return units;
  }

  /** Returns how many logits a unit has. */
  public int outputs() {
    return outputs;
  }

  /**
   * Returns a read-only view of a unit's logits: the sum over the picked members of weight times
   * logit, in double precision, rounded once.
   */
  public FloatBuffer logits(int unit) {
    return FloatBuffer.wrap(logits, unit * outputs, outputs).slice().asReadOnlyBuffer();
  }

  /** Returns the class with the largest logit; the lowest index among equals. */
  public int label(int unit) {
    int best = 0;
    for (int i = 1; i < outputs; i++) {
      if (logits[unit * outputs + i] > logits[unit * outputs + best]) {
        best = i;
      }
    }
    return best;
  }

  /**
   * Returns what the answer took: the operations of the members, the costs of the votes, and those
   * of the branches that were called.
   */
  public double cost() {
    double cost = choice.vote().cost();
    for (Branch.Outcome branch : branches) {
      cost += branch.vote().cost() + branch.cost();
    }
    for (Inference inference : inferences) {
      cost += inference.flops();
    }
    return cost;
  }

  @Override
  public String toString() {
    return "Answer[" + item.id() + ", " + units + " units, " + choice.shares() + "]";
  }
}
