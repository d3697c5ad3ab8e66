package anabranch.conformance.reference.block;

import anabranch.conformance.reference.part.Parameters;
import anabranch.conformance.reference.part.RecurrencePart;
import anabranch.model.layer.Recurrence;

/** A recurrence over the rows of a call, from what their sequences kept. */
final class Recurring implements OperationPart {
  private final RecurrencePart recurrence;
  private final String path;

  Recurring(Recurrence recurrence, String path, Parameters parameters) {
    this.recurrence = new RecurrencePart(recurrence, path, parameters);
    this.path = path;
  }

  /** Rows that run or project are inputs, by position; others leave the state as it is. */
  @Override
  public double[][] of(Pass pass, double[][] v, Way[] ways) {
    double[][] result = new double[v.length][];
    String place = pass.at(path);
    for (int row = 0; row < v.length; row++) {
      if (ways[row] == Way.RUN || ways[row] == Way.PROJECT) {
        Memory memory = pass.rows.get(row).memory;
        double[] kept = memory.kept(place);
        double[] state = kept == null ? recurrence.begin() : kept;
        result[row] = recurrence.next(v[row], state);
        memory.keep(place, state);
      }
    }
    return result;
  }
}
