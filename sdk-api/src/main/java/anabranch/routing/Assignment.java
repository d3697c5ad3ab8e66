package anabranch.routing;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Which experts each row of a batch sees, best first, and with what gates. Reusable: every decision
 * overwrites the one before, and no memory is taken for rows that were seen before. Confined to one
 * thread at a time.
 */
public final class Assignment {
  private int rows;
  private int k;
  private int[] experts = new int[0];
  private double[] weights = new double[0];
  private @Nullable Decision decision;

  /** Creates an assignment of no rows. */
  public Assignment() {}

  /** Makes room for a decision; every row starts as one that does not run. */
  void reset(int rowCount, int expertsPerRow) {
    rows = rowCount;
    k = expertsPerRow;
    int size = Math.multiplyExact(rowCount, expertsPerRow);
    if (experts.length < size) {
      int room = Math.max(size, (int) Math.min(Integer.MAX_VALUE - 8L, 2L * experts.length));
      experts = new int[room];
      weights = new double[room];
    }
    Arrays.fill(experts, 0, size, -1);
    Arrays.fill(weights, 0, size, 0);
  }

  /** Returns the scratch of a routing, kept from its last decision into this assignment. */
  Decision scratch(Routing routing) {
    if (decision == null || decision.routing() != routing) {
      decision = new Decision(routing);
    }
    return decision;
  }

  void set(int row, int choice, int expert, double weight) {
    experts[row * k + choice] = expert;
    weights[row * k + choice] = weight;
  }

  void drop(int row, int choice) {
    set(row, choice, -2 - expert(row, choice), 0);
  }

  double weight(int row, int choice) {
    return weights[row * k + choice];
  }

  /** Returns the number of rows. */
  public int rows() {
    return rows;
  }

  /** Returns the most experts that a row can see. */
  public int k() {
    return k;
  }

  /**
   * Returns the expert that a row sees.
   *
   * @param row in {@code 0..rows-1}
   * @param choice in {@code 0..k-1}, best first
   * @return the expert's index; -1 behind the last choice, and for a row that does not run; {@code
   *     -2 - e} for an expert e that was picked and had no room
   */
  public int expert(int row, int choice) {
    return experts[row * k + choice];
  }

  /** Returns the weight beside {@link #expert}; 0 where nothing runs. */
  public float gate(int row, int choice) {
    return (float) weights[row * k + choice];
  }

  /**
   * Returns what to keep of the decision about a row, for {@link RoutedRows#kept}: the gate of the
   * single member, or NaN where it does not run.
   */
  public float kept(int row) {
    return expert(row, 0) >= 0 ? gate(row, 0) : Float.NaN;
  }

  /** Returns a copy of the experts, rows x k. */
  public int[] experts() {
    return Arrays.copyOf(experts, rows * k);
  }

  /** Returns a copy of the gates, rows x k. */
  public float[] gates() {
    float[] copy = new float[rows * k];
    for (int i = 0; i < copy.length; i++) {
      copy[i] = (float) weights[i];
    }
    return copy;
  }
}
