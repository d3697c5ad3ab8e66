package anabranch.conformance.reference.pass;

import anabranch.conformance.reference.part.Scores;
import anabranch.model.plan.GraphRank;
import anabranch.model.plan.Prune;
import java.util.Arrays;
import java.util.List;

/** The rows of one event, and what they gave each other in the last attention. Immutable. */
public final class Graph {
  private final List<Row> rows;
  private final double[][][] p; // [heads, rows, rows]

  /** Draws the graph of live rows, all of which asked. */
  public Graph(List<Row> rows) {
    this.rows = rows;
    int n = rows.size();
    p = new double[reading(rows.get(0)).byHead().length][n][n];
    for (int head = 0; head < p.length; head++) {
      for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++) {
          p[head][i][j] = reading(rows.get(i)).given(head, rows.get(j).position);
        }
      }
    }
  }

  private static Reading reading(Row row) {
    Reading reading = row.reading;
    if (reading == null) {
      throw new AssertionError("row " + row.position + " did not ask");
    }
    return reading;
  }

  /** Rule X19: the root of the mean of the squares, over the heads that tell rows apart. */
  public double[] ranks(GraphRank how) {
    int n = rows.size();
    double[] sum = new double[n];
    int heads = 0;
    for (double[][] head : p) {
      double[] s = flow(how, head);
      double mean = Arrays.stream(s).sum() / n;
      double variance = Arrays.stream(s).map(each -> (each - mean) * (each - mean)).sum() / n;
      if (!(variance < how.leastVariance() || variance > how.mostVariance())) {
        heads++;
        for (int i = 0; i < n; i++) {
          sum[i] += s[i] * s[i];
        }
      }
    }
    double[] ranks = new double[n];
    for (int i = 0; i < n; i++) {
      ranks[i] = heads == 0 ? 0 : Math.sqrt(sum[i] / heads);
    }
    return ranks;
  }

  /** Rule X19: importance flows along what rows gave each other, until it hardly moves. */
  private static double[] flow(GraphRank how, double[][] p) {
    int n = p.length;
    double[] s = new double[n];
    Arrays.fill(s, 1.0 / n);
    for (int time = 0; time < how.iterations(); time++) {
      double[] next = new double[n];
      double moved = 0;
      for (int to = 0; to < n; to++) {
        for (int from = 0; from < n; from++) {
          boolean read = how.direction() == GraphRank.Direction.TO_READ;
          next[to] += s[from] * (read ? p[from][to] : p[to][from]);
        }
        moved = Math.max(moved, Math.abs(next[to] - s[to]));
      }
      s = next;
      if (moved <= how.epsilon()) {
        return s;
      }
    }
    return s;
  }

  /** Rule X20: the better half by rank, the middle one too, ties to the earlier row. */
  public static boolean[] half(double[] ranks) {
    boolean[] half = new boolean[ranks.length];
    for (int place = 0; place < (ranks.length + 1) / 2; place++) {
      int best = -1;
      for (int i = 0; i < ranks.length; i++) {
        if (!half[i] && (best < 0 || ranks[i] > ranks[best])) {
          best = i;
        }
      }
      half[best] = true;
    }
    return half;
  }

  /** Rule X20: 2 and the rank in one half, less the nearest cosine to it in the other. */
  public double[] distinct(double[] ranks, boolean[] important, Prune.Compared compared) {
    double[] scores = new double[ranks.length];
    for (int i = 0; i < scores.length; i++) {
      double nearest = Double.NEGATIVE_INFINITY;
      for (int j = 0; j < scores.length && !important[i]; j++) {
        if (important[j]) {
          double cosine =
              Scores.saturation(vector(rows.get(j), compared), vector(rows.get(i), compared));
          nearest = Math.max(nearest, cosine);
        }
      }
      scores[i] = important[i] ? 2 + ranks[i] : -nearest;
    }
    return scores;
  }

  private static double[] vector(Row row, Prune.Compared compared) {
    if (compared == Prune.Compared.ROWS) {
      return row.x;
    } else if (row.shown == null) {
      throw new AssertionError("row " + row.position + " showed nothing");
    }
    return row.shown.key();
  }
}
