package anabranch.conformance.reference.pass;

import java.util.List;

/**
 * What a row gave to those that it read in an attention.
 *
 * @param positions of those it saw
 * @param byHead {@code [heads, visible]}: the probability of each of them
 */
public record Reading(List<Integer> positions, double[][] byHead) {
  /** Returns what a head gave to the row at a position; 0 where it did not see that. */
  public double given(int head, int position) {
    int at = positions.indexOf(position);
    return at < 0 ? 0 : byHead[head][at];
  }

  /** Returns what the row at a position was given, the mean over heads. */
  public double given(int position) {
    double sum = 0;
    for (int head = 0; head < byHead.length; head++) {
      sum += given(head, position);
    }
    return sum / byHead.length;
  }
}
