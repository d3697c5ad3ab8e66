package anabranch.conformance.reference.pass;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One run of one block on the rows of a call. Confined to one thread.
 *
 * <p>Vectors and ways stand beside {@link #rows} in arrays.
 */
public final class Pass {
  /** Says what routers are to pick. */
  public interface Forced {
    /** Returns what a row takes, as {@code Choice.taken}; null to leave it free. */
    @Nullable List<Integer> of(String path, Row row);
  }

  /** The rows, by span and position. */
  public final List<Row> rows;

  /** What routers did, in the order in which they were asked. */
  public final List<Taken> taken = new ArrayList<>();

  /** The way through the attentions of the plan. */
  public final Trail trail;

  /** What routers are to pick. */
  public final Forced forced;

  /** The block's number in its plan. */
  public final int block;

  private final String place;

  /**
   * Begins a pass.
   *
   * @param place names this run of the block among all runs of the plan
   * @param block the block's number in its plan, which random routers hash
   */
  public Pass(List<Row> rows, Trail trail, String place, int block, Forced forced) {
    this.rows = rows;
    this.trail = trail;
    this.place = place;
    this.block = block;
    this.forced = forced;
  }

  /** Returns a run of the same block on other rows. */
  public Pass within(List<Row> others) {
    return new Pass(others, trail, place, block, forced);
  }

  /** Returns the place of an operation in this run. */
  public String at(String path) {
    return place + " " + path;
  }

  /** Returns the ways of the rows. */
  public Way[] ways() {
    return rows.stream().map(row -> row.way).toArray(Way[]::new);
  }

  /** Returns the vectors of the rows, {@code [rows, width]}. */
  public double[][] vectors() {
    return rows.stream().map(row -> row.x).toArray(double[][]::new);
  }
}
