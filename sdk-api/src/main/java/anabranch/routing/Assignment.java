package anabranch.routing;

import java.util.Arrays;

/**
 * Which experts each row of a batch sees, best first, and with what gates. Reusable: every decision
 * overwrites the one before. Confined to one thread at a time.
 */
public final class Assignment {
  private int rows;
  private int k;
  private int[] experts = new int[0];
  private float[] gates = new float[0];

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
      gates = new float[room];
    }
    Arrays.fill(experts, 0, size, -1);
    Arrays.fill(gates, 0, size, 0f);
  }

  void set(int row, int choice, int expert, float gate) {
    experts[row * k + choice] = expert;
    gates[row * k + choice] = gate;
  }

  /** Returns the number of rows. */
  public int rows() {
    return rows;
  }

  /** Returns how many experts each row sees. */
  public int k() {
    return k;
  }

  /**
   * Returns the expert that a row sees.
   *
   * @param row in {@code 0..rows-1}
   * @param choice in {@code 0..k-1}, best first
   * @return the expert's index; -1 for a row that does not run
   */
  public int expert(int row, int choice) {
    return experts[row * k + choice];
  }

  /** Returns the weight beside {@link #expert}; 0 for a row that does not run. */
  public float gate(int row, int choice) {
    return gates[row * k + choice];
  }

  /** Returns a copy of the experts, rows x k. */
  public int[] experts() {
    return Arrays.copyOf(experts, rows * k);
  }

  /** Returns a copy of the gates, rows x k. */
  public float[] gates() {
    return Arrays.copyOf(gates, rows * k);
  }
}
