package anabranch.samples.surprise;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;

/** Adds up scores as they come, in bounded memory. Confined to one thread. */
final class Tally {
  private static final int KEPT = 8;
  private static final int SHORTEST_KEPT = 20;

  private final PriorityQueue<LineScore> oddest =
      new PriorityQueue<>(Comparator.comparingDouble(LineScore::bitsPerByte));
  final Latencies latencies = new Latencies();
  final long[] exits;
  final long[] load;
  String device = "";
  long lines;
  long blank;
  long bytes;
  double bits;
  long blocksRun;
  long flops;
  long fullFlops;
  long auditedLines;
  long audited;
  long agreed;
  long closeLines;
  private long firstReceived = Long.MAX_VALUE;
  private long lastLeft = Long.MIN_VALUE;

  Tally(int stages, int experts) {
    exits = new long[stages];
    load = new long[experts];
  }

  void add(LineScore line) {
    lines++;
    firstReceived = Math.min(firstReceived, line.received());
    lastLeft = Math.max(lastLeft, line.left());
    latencies.add(line.left() - line.received());
    if (line.bytes() == 0) {
      blank++;
      return;
    }
    device = line.device();
    bytes += line.bytes();
    bits += line.bits();
    blocksRun += line.blocksRun();
    flops += line.flops();
    fullFlops += line.fullFlops();
    add(line.exits(), exits);
    add(line.load(), load);
    if (line.audited() > 0) {
      auditedLines++;
      audited += line.audited();
      agreed += line.agreed();
      closeLines += Math.abs(line.bits() - line.fullBits()) <= 0.1 * line.bytes() ? 1 : 0;
    }
    if (line.bytes() >= SHORTEST_KEPT) {
      oddest.add(line);
      if (oddest.size() > KEPT) {
        oddest.remove();
      }
    }
  }

  private static void add(int[] counts, long[] sums) {
    for (int i = 0; i < counts.length; i++) {
      sums[i] += counts[i];
    }
  }

  /** Returns the lines with the most bits for each byte, the oddest first. */
  List<LineScore> oddest() {
    List<LineScore> lines = new ArrayList<>(oddest);
    lines.sort(Comparator.comparingDouble(LineScore::bitsPerByte).reversed());
    return lines;
  }

  /** Returns the seconds from the first line received to the last result. */
  double seconds() {
    return lines == 0 ? 0 : (lastLeft - firstReceived) / 1e9;
  }
}
