package anabranch.benchmarks.job;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.apache.flink.api.java.functions.KeySelector;

/** Which key each number belongs to, and which of its sequence's rows it is. Immutable. */
final class Keys implements KeySelector<Long, Integer> {
  private static final long serialVersionUID = 1L;
  private static final int DRAWS = 1 << 16;

  private final int[] drawn;
  private final int[] before;
  private final int[] often;
  private final int keys;

  private Keys(int[] drawn, int keys) {
    this.drawn = drawn;
    this.keys = keys;
    before = new int[drawn.length];
    often = new int[keys];
    for (int n = 0; n < drawn.length; n++) {
      before[n] = often[drawn[n]]++;
    }
  }

  /** One key after the other. */
  static Keys inTurn(int keys) {
    return new Keys(new int[0], keys);
  }

  /** Keys drawn by Zipf's law: the one at rank r as often as 1 / r. */
  static Keys zipf(int keys) {
    double[] upTo = new double[keys];
    double all = 0;
    for (int key = 0; key < keys; key++) {
      all += 1.0 / (key + 1);
      upTo[key] = all;
    }
    SplittableRandom random = new SplittableRandom(1);
    int[] drawn = new int[DRAWS];
    for (int n = 0; n < DRAWS; n++) {
      int at = Arrays.binarySearch(upTo, random.nextDouble() * all);
      drawn[n] = at < 0 ? -at - 1 : at;
    }
    return new Keys(drawn, keys);
  }

  int count() {
    return keys;
  }

  int of(long number) {
    return drawn.length == 0 ? (int) (number % keys) : drawn[(int) (number % DRAWS)];
  }

  /** Returns whether a row is the last of its sequence, where sequences have that many rows. */
  boolean ends(long number, int length) {
    return (visit(number) + of(number)) % length == length - 1;
  }

  private long visit(long number) {
    return drawn.length == 0
        ? number / keys
        : number / DRAWS * often[of(number)] + before[(int) (number % DRAWS)];
  }

  @Override
  public Integer getKey(Long number) {
    return of(number);
  }
}
