package anabranch.samples.picture;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * Keeps a fair sample of what it sees, in bounded memory; the same things in the same order leave
 * the same sample. Confined to one thread.
 *
 * @param <T> what is sampled
 */
public final class Reservoir<T> {
  private final int most;
  private final long seed;
  private final Random random;
  private final List<T> kept;
  private long seen;

  /** Makes a sample of at most {@code most} things, at least 1. */
  public Reservoir(int most) {
    this(most, 0x5eed);
  }

  Reservoir(int most, long seed) {
    if (most < 1) {
      throw new IllegalArgumentException("reservoir.most " + most + " is below 1");
    }
    this.most = most;
    this.seed = seed;
    random = new Random(seed);
    kept = new ArrayList<>(most);
  }

  /** Shows it one more thing. */
  public void add(T thing) {
    seen++;
    if (kept.size() < most) {
      kept.add(thing);
      return;
    }
    long at = (long) (random.nextDouble() * seen);
    if (at < most) {
      kept.set((int) at, thing);
    }
  }

  /** Returns the sample in an order of its own, so that its beginning is a fair sample too. */
  public List<T> sample() {
    List<T> sample = new ArrayList<>(kept);
    Collections.shuffle(sample, new Random(seed));
    return List.copyOf(sample);
  }
}
