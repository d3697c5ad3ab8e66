package anabranch.conformance.space;

import java.util.List;
import java.util.SplittableRandom;

/** Random choices that are the same on every machine. Confined to one draw. */
final class Dice {
  final SplittableRandom random;
  private final long seed;
  private int besides;

  Dice(long seed) {
    this.seed = seed;
    random = new SplittableRandom(seed);
  }

  /** Returns dice whose choices leave those of these dice as they are. */
  Dice beside() {
    return new Dice(31 * (seed + 1) + 1_000_003L * ++besides);
  }

  boolean chance(double probability) {
    return random.nextDouble() < probability;
  }

  int below(int bound) {
    return random.nextInt(bound);
  }

  int between(int least, int most) {
    return least + random.nextInt(most - least + 1);
  }

  int pick(int[] values) {
    return values[random.nextInt(values.length)];
  }

  <T> T pick(T[] values) {
    return values[random.nextInt(values.length)];
  }

  <T> T pick(List<T> values) {
    return values.get(random.nextInt(values.size()));
  }
}
