package anabranch.conformance.reference;

import anabranch.backend.Activations;
import anabranch.backend.Rows;
import anabranch.conformance.reference.part.AttentionPart.Shown;
import anabranch.conformance.reference.pass.Row;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Rows between stages: their vectors, and what they showed at the attention they passed last. */
final class Hidden implements Activations {
  private final double[][] rows; // [rows, width]
  private final @Nullable Shown[] shown;
  private final @Nullable String[] shownAt;
  private volatile boolean closed;

  /**
   * Holds rows.
   *
   * @param carries whether any row may show again what it showed before
   */
  Hidden(List<Row> rows, boolean carries) {
    this.rows = rows.stream().map(row -> row.x).toArray(double[][]::new);
    shown = rows.stream().map(row -> carries ? row.shown : null).toArray(Shown[]::new);
    shownAt = rows.stream().map(row -> row.shownAt).toArray(String[]::new);
  }

  /** Returns the handle of a row. */
  static Hidden of(Rows rows, int i) {
    if (rows.from(i) instanceof Hidden hidden) {
      return hidden;
    }
    throw new IllegalArgumentException(
        "row " + i + " at position " + rows.position(i) + " has no hidden vector of this backend");
  }

  double[] row(int index) {
    if (closed) {
      throw new IllegalStateException("the rows are closed");
    }
    return rows[index];
  }

  /** Gives a row what it left here, also what it showed where its state has not kept that. */
  void fill(Row row, int index) {
    row.x = row(index);
    row.shown = shown[index];
    row.shownAt = shownAt[index];
    Shown carried = row.shown;
    String place = row.shownAt;
    if (carried != null && place != null && row.memory.shown(place, row.position) == null) {
      row.memory.lend(place, row.position, carried);
    }
  }

  @Override
  public long bytes() {
    long bytes = 0;
    for (int i = 0; i < rows.length; i++) {
      Shown carried = shown[i];
      bytes += 8L * rows[i].length;
      bytes += carried == null ? 0 : 8L * (carried.key().length + carried.value().length);
    }
    return bytes;
  }

  @Override
  public void close() {
    closed = true;
  }
}
