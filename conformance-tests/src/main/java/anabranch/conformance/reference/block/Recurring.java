package anabranch.conformance.reference.block;

import anabranch.conformance.reference.part.LinearMemoryPart;
import anabranch.conformance.reference.part.Parameters;
import anabranch.conformance.reference.part.RecurrencePart;
import anabranch.conformance.reference.pass.Memory;
import anabranch.conformance.reference.pass.Pass;
import anabranch.conformance.reference.pass.Way;
import anabranch.model.layer.Operation;
import anabranch.model.layer.Recurrence;

/** A recurrence over the rows of a call, from what their sequences kept. */
final class Recurring implements OperationPart {
  private final String path;
  private final int kept;
  private final Next next;

  private Recurring(String path, int kept, Next next) {
    this.path = path;
    this.kept = kept;
    this.next = next;
  }

  /** Takes one row in: changes the state and returns the row's result. */
  private interface Next {
    double[] of(double[] x, double[] state);
  }

  /** Reads a recurrence from the weights under {@code path}. */
  static Recurring read(Operation operation, String path, Parameters parameters) {
    Next next =
        operation instanceof Recurrence recurrence
            ? new RecurrencePart(recurrence, path, parameters)::next
            : new LinearMemoryPart((Recurrence.LinearMemory) operation, path, parameters)::next;
    return new Recurring(path, operation.remembers(), next);
  }

  /** Rows that run or project are inputs, by position; others leave the state as it is. */
  @Override
  public double[][] of(Pass pass, double[][] v, Way[] ways) {
    double[][] result = new double[v.length][];
    String place = pass.at(path);
    for (int row = 0; row < v.length; row++) {
      if (ways[row] == Way.RUN || ways[row] == Way.PROJECT) {
        Memory memory = pass.rows.get(row).memory;
        double[] before = memory.kept(place);
        double[] state = before == null ? new double[kept] : before;
        result[row] = next.of(v[row], state);
        memory.keep(place, state);
      }
    }
    return result;
  }
}
