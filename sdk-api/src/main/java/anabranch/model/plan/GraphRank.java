package anabranch.model.plan;

import anabranch.error.Bounds;

/**
 * How important the rows of an event are in the graph that an attention draws between them: a
 * weighted PageRank in each head, and the heads that tell rows apart together (Wang et al.,
 * Zero-TPrune; rule X19). Nothing of it has a usual value.
 *
 * @param direction which way importance flows
 * @param iterations how often it flows at most, in 1..1024
 * @param epsilon in a head it stops before, once no row's importance moved by more; from 0
 * @param leastVariance heads whose variance over the rows is smaller are left out; from 0
 * @param mostVariance heads whose variance over the rows is greater are left out
 */
public record GraphRank(
    Direction direction,
    int iterations,
    double epsilon,
    double leastVariance,
    double mostVariance) {
  /** Checks the bounds. */
  public GraphRank {
    Bounds.within("graphRank.iterations", iterations, 1, 1024);
    Bounds.notNegative("graphRank.epsilon", epsilon);
    Bounds.notNegative("graphRank.leastVariance", leastVariance);
    Bounds.notNegative("graphRank.mostVariance", mostVariance);
    Bounds.require(
        mostVariance >= leastVariance,
        "graphRank.mostVariance " + mostVariance + " is below leastVariance " + leastVariance);
  }

  /** Which way importance flows along an attention. */
  public enum Direction {
    /** From a row to those that it reads: a row is important that important rows read. */
    TO_READ,
    /** From a row to those that read it: a row is important that reads important rows. */
    TO_READERS
  }
}
