package anabranch.engine.rows;

import java.util.BitSet;

/** Adds up what the rows of one batch cost, each kind apart. Confined to one thread. */
public final class Tally {
  private final int[] rows = new int[Kind.values().length];
  private final long[] flops = new long[Kind.values().length];
  private final BitSet aside = new BitSet();
  private final boolean marks;
  private long heads;
  private long shadowHeads;

  /**
   * Starts from nothing.
   *
   * @param marks whether to remember which rows are not own
   */
  public Tally(boolean marks) {
    this.marks = marks;
  }

  /** For whom a row ran. */
  public enum Kind {
    /** For its own answer. */
    OWN,
    /** For rows of its item that read it. */
    KEPT,
    /** For later events of its sequence. */
    FILL,
    /** To be compared with the answer that it has. */
    SHADOW
  }

  /** Adds a row. */
  void row(int inBatch, Kind kind, long cost) {
    rows[kind.ordinal()]++;
    flops[kind.ordinal()] += cost;
    if (marks && kind != Kind.OWN) {
      aside.set(inBatch);
    }
  }

  /** Adds a score or an output. */
  public void head(boolean shadow, long cost) {
    heads += shadow ? 0 : cost;
    shadowHeads += shadow ? cost : 0;
  }

  /** Returns how many rows were of a kind. */
  public int rows(Kind kind) {
    return rows[kind.ordinal()];
  }

  /** Returns what the rows of a kind cost, without scores and outputs. */
  public long flops(Kind kind) {
    return flops[kind.ordinal()];
  }

  /** Returns what scores and outputs cost that belong to an answer. */
  public long heads() {
    return heads;
  }

  /** Returns what outputs cost that are only compared. */
  public long shadowHeads() {
    return shadowHeads;
  }

  /** Returns the rows that were not own; empty where nobody asked. */
  public BitSet aside() {
    return aside;
  }
}
