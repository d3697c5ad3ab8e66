package anabranch.routing;

import anabranch.model.plan.GraphRank;
import java.nio.FloatBuffer;
import java.util.Arrays;

/**
 * How important the rows of an event are in the graph of an attention, and which of them are its
 * more important half (Wang et al., Zero-TPrune; rules X19 and X20), in double precision. Holds as
 * many numbers as one head has probabilities. Stateless; any thread.
 */
public final class GraphRanks {
  private GraphRanks() {}

  /**
   * Returns the importance of each row.
   *
   * @param p what rows gave each other, {@code [heads, rows, columns]}, from its start
   * @param columns how many numbers a row has in a head; more than rows where others were read
   * @param own for each row, the column of what it was given
   */
  public static double[] of(GraphRank how, FloatBuffer p, int heads, int columns, int[] own) {
    int rows = own.length;
    double[] squares = new double[rows];
    float[] row = new float[columns];
    float[] graph = new float[Math.multiplyExact(rows, rows)];
    int counted = 0;
    for (int head = 0; head < heads; head++) {
      for (int i = 0; i < rows; i++) {
        p.get((head * rows + i) * columns, row);
        for (int j = 0; j < rows; j++) {
          graph[i * rows + j] = row[own[j]];
        }
      }
      double[] s = flow(how, graph, rows);
      double variance = variance(s);
      if (variance < how.leastVariance() || variance > how.mostVariance()) {
        continue;
      }
      counted++;
      for (int i = 0; i < rows; i++) {
        squares[i] += s[i] * s[i];
      }
    }
    for (int i = 0; i < rows; i++) {
      squares[i] = counted == 0 ? 0 : Math.sqrt(squares[i] / counted);
    }
    return squares;
  }

  private static double[] flow(GraphRank how, float[] graph, int rows) {
    double[] s = new double[rows];
    Arrays.fill(s, 1.0 / rows);
    for (int time = 0; time < how.iterations(); time++) {
      double[] next = new double[rows];
      for (int i = 0; i < rows; i++) {
        for (int j = 0; j < rows; j++) {
          if (how.direction() == GraphRank.Direction.TO_READ) {
            next[j] += graph[i * rows + j] * s[i];
          } else {
            next[i] += graph[i * rows + j] * s[j];
          }
        }
      }
      double most = 0;
      for (int i = 0; i < rows; i++) {
        most = Math.max(most, Math.abs(next[i] - s[i]));
      }
      s = next;
      if (most <= how.epsilon()) {
        break;
      }
    }
    return s;
  }

  private static double variance(double[] s) {
    double mean = 0;
    for (double each : s) {
      mean += each / s.length;
    }
    double sum = 0;
    for (double each : s) {
      sum += (each - mean) * (each - mean);
    }
    return sum / s.length;
  }

  /** Returns which rows are the more important half, one more where they are odd; ties go first. */
  public static boolean[] important(double[] importance) {
    Ranks ranks = new Ranks();
    ranks.begin(importance.length);
    for (double each : importance) {
      ranks.add(each);
    }
    ranks.sort();
    boolean[] important = new boolean[importance.length];
    for (int place = 0; place < (importance.length + 1) / 2; place++) {
      important[ranks.at(place)] = true;
    }
    return important;
  }
}
