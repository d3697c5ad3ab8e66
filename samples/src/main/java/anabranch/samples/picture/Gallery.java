package anabranch.samples.picture;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Set;

/**
 * Picks the lines that are worth a picture while a run goes on, and counts how deep bytes of how
 * many bits went, in bounded memory. Confined to one thread.
 */
public final class Gallery {
  /** The most flagged lines that are kept: those with the most bits per byte. */
  public static final int MOST_FLAGGED = 200;

  /** The most ordinary lines that are kept: a fair sample. */
  public static final int MOST_ORDINARY = 16;

  /** Shorter lines are neither among the oddest nor among the ordinary ones. */
  private static final int SHORTEST = 20;

  private static final int LEAST_ODD = 8;
  private static final int ONE_ODD_IN = 100;
  private static final Comparator<ByteLine> BY_BITS =
      Comparator.comparingDouble(ByteLine::bitsPerByte);

  private final PriorityQueue<ByteLine> flagged = new PriorityQueue<>(BY_BITS);
  private final PriorityQueue<ByteLine> oddest = new PriorityQueue<>(BY_BITS);
  private final Reservoir<ByteLine> ordinary = new Reservoir<>(2 * MOST_ORDINARY);
  private final long[][] bytes;
  private final double[][] bits;
  private long lines;
  private long flaggedSeen;

  /** Makes an empty one for a model with that many stages. */
  public Gallery(int stages) {
    bytes = new long[Heat.STEPS][stages];
    bits = new double[Heat.STEPS][stages];
  }

  /** Shows it one more line. */
  public void add(ByteLine line, boolean isFlagged) {
    for (int i = 0; i < line.bytes(); i++) {
      int step = Heat.step(line.bits()[i]);
      bytes[step][line.exits()[i]]++;
      bits[step][line.exits()[i]] += line.bits()[i];
    }
    lines++;
    if (isFlagged) {
      flaggedSeen++;
      keep(flagged, line);
    } else if (line.bytes() >= SHORTEST) {
      keep(oddest, line);
      ordinary.add(line);
    }
  }

  private static void keep(PriorityQueue<ByteLine> most, ByteLine line) {
    most.add(line);
    if (most.size() > MOST_FLAGGED) {
      most.remove();
    }
  }

  /** Returns how many lines were flagged; more than are kept, perhaps. */
  public long flaggedSeen() {
    return flaggedSeen;
  }

  /**
   * Returns the lines to look at, the one with the most bits per byte first: those that were
   * flagged or, if none was, the oddest hundredth.
   */
  public List<ByteLine> odd() {
    List<ByteLine> odd = new ArrayList<>(flaggedSeen > 0 ? flagged : oddest);
    odd.sort(BY_BITS.reversed());
    if (flaggedSeen > 0) {
      return odd;
    }
    long most = Math.min(odd.size(), Math.max(LEAST_ODD, lines / ONE_ODD_IN));
    return List.copyOf(odd.subList(0, (int) most));
  }

  /** Returns some of the other lines, for contrast. */
  public List<ByteLine> ordinary() {
    Set<ByteLine> odd = new HashSet<>(odd());
    return ordinary.sample().stream()
        .filter(line -> !odd.contains(line))
        .limit(MOST_ORDINARY)
        .toList();
  }

  /** Returns how many bytes of a step of {@link Heat} left behind a stage. */
  long bytes(int step, int stage) {
    return bytes[step][stage];
  }

  /** Returns the bits of all bytes that left behind a stage. */
  double bitsOf(int stage) {
    double sum = 0;
    for (double[] step : bits) {
      sum += step[stage];
    }
    return sum;
  }
}
