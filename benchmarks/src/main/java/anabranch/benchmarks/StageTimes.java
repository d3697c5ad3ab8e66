package anabranch.benchmarks;

import anabranch.engine.EngineListener;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Adds up what an engine tells of its steps, which are its stages where nothing loops. Thread-safe.
 */
final class StageTimes implements EngineListener {
  private final List<long[]> stages = new ArrayList<>();

  @Override
  public synchronized void batch(Batch batch) {
    while (stages.size() <= batch.stage()) {
      stages.add(new long[4]);
    }
    long[] sums = stages.get(batch.stage());
    sums[0]++;
    sums[1] += batch.nanos();
    sums[2] += batch.liveRows();
    sums[3] += batch.frozenRows();
  }

  /** Forgets what was heard. */
  synchronized void clear() {
    stages.clear();
  }

  /** Returns a line for each stage: calls, time and rows, on average over that many runs. */
  synchronized List<String> lines(int runs) {
    List<String> lines = new ArrayList<>();
    for (int s = 0; s < stages.size(); s++) {
      long[] sums = stages.get(s);
      lines.add(
          String.format(
              Locale.ROOT,
              "  stage %d: %.1f calls, %.1f ms, %.0f live and %.0f frozen rows",
              s,
              (double) sums[0] / runs,
              sums[1] / 1e6 / runs,
              (double) sums[2] / runs,
              (double) sums[3] / runs));
    }
    return lines;
  }
}
