package anabranch.samples.picture;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a run over some text found, added up. Immutable; any thread.
 *
 * @param model the model's name
 * @param policy the policy's version
 * @param device what computed the numbers
 * @param stages where bytes leave, the first one first; at most three
 * @param lines how many lines were read
 * @param blankLines how many of them were blank and not scored
 * @param bytes how many bytes were scored
 * @param bits the bits they needed
 * @param seconds from the first line received to the last result
 * @param blocksRun blocks run, summed over bytes
 * @param flops floating-point operations executed
 * @param fullFlops floating-point operations at full depth
 * @param atFullSpeed how long lines took when they came as fast as they could be answered
 * @param atHalfSpeed how long they took at half that rate; null if that was not measured
 * @param load how many bytes each expert of each block saw
 * @param agreement how the lines run a second time compare with full depth
 */
public record Run(
    String model,
    String policy,
    String device,
    List<Stage> stages,
    long lines,
    long blankLines,
    long bytes,
    double bits,
    double seconds,
    long blocksRun,
    long flops,
    long fullFlops,
    Latency atFullSpeed,
    @Nullable Latency atHalfSpeed,
    List<List<Long>> load,
    Agreement agreement) {
  /** Checks the number of stages, for each of which there is a colour, and copies the lists. */
  public Run {
    if (stages.isEmpty() || stages.size() > 3) {
      throw new IllegalArgumentException("run.stages " + stages.size() + " is not in 1..3");
    }
    stages = List.copyOf(stages);
    load = load.stream().map(List::copyOf).toList();
  }

  /**
   * A place where bytes leave.
   *
   * @param name its name
   * @param after how many blocks lie before it
   * @param bytes how many bytes left there
   */
  public record Stage(String name, int after, long bytes) {}

  /**
   * How long lines took from their receipt to their result.
   *
   * @param medianMillis half of the lines took at most this, in ms
   * @param p99Millis 99 of 100 lines took at most this, in ms
   * @param linesPerSecond the rate meanwhile
   */
  public record Latency(double medianMillis, double p99Millis, double linesPerSecond) {}

  /**
   * How answers that left early compare with those of full depth.
   *
   * @param lines lines compared; 0 for none
   * @param bytes their bytes
   * @param closeLines lines whose bits per byte differ by at most 0.1
   * @param sameBytes bytes for which both predict the same next byte
   */
  public record Agreement(long lines, long bytes, long closeLines, long sameBytes) {}

  /**
   * The same lines under policies from conservative to bold.
   *
   * @param lines how many lines each policy ran
   * @param drawn how many were drawn; more than were run if the time did not suffice
   * @param bytes their bytes
   * @param seconds how long it all took
   * @param points what each policy gave, the most conservative first
   */
  public record Curve(int lines, int drawn, long bytes, double seconds, List<Point> points) {
    /** Copies the list. */
    public Curve {
      points = List.copyOf(points);
    }
  }

  /**
   * What one policy gave.
   *
   * @param shift what was added to the logit of each threshold of the run's own policy
   * @param thresholds the confidence each exit asked for
   * @param blocksRun blocks run, summed over bytes
   * @param flops floating-point operations executed
   * @param fullFlops floating-point operations at full depth
   * @param bits the bits the bytes needed
   * @param agreement how that compares with full depth
   */
  public record Point(
      double shift,
      Map<String, Double> thresholds,
      long blocksRun,
      long flops,
      long fullFlops,
      double bits,
      Agreement agreement) {
    /** Copies the map. */
    public Point {
      thresholds = Map.copyOf(thresholds);
    }
  }
}
