package anabranch.engine.metrics;

import anabranch.engine.schedule.Schedule;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * What an engine did until a moment. {@link #toString} is for people to read. Immutable; any
 * thread.
 *
 * @param models the versions that are kept, in the order in which they came into service
 */
public record Snapshot(List<Model> models) {
  /** Copies the list. */
  public Snapshot {
    models = List.copyOf(models);
  }

  @Override
  public String toString() {
    List<String> lines = new ArrayList<>();
    models.forEach(model -> model.print(lines));
    return String.join("\n", lines);
  }

  private static String line(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }

  /**
   * One version of the model.
   *
   * @param version as it was named when it came into service
   * @param policies the items that are over, by the version of their policy; {@code "other"} for
   *     all those that came late
   * @param depth of each answer: its floating-point operations as a share of full depth
   * @param duration of each answer: seconds from submission
   * @param flops floating-point operations
   * @param audited units that were answered early, ran on and were compared
   * @param disagreed how many of these named another class at the end
   * @param steps of the cut, in order
   * @param layers mixtures, routed attentions and skips; empty unless the engine traces
   */
  public record Model(
      String version,
      Map<String, Items> policies,
      Distribution depth,
      Distribution duration,
      Flops flops,
      long audited,
      long disagreed,
      List<Step> steps,
      List<Layer> layers) {
    /** Copies the collections. */
    public Model {
      policies = Collections.unmodifiableMap(new LinkedHashMap<>(policies));
      steps = List.copyOf(steps);
      layers = List.copyOf(layers);
    }

    /** Returns the items that are over, whatever their policy. */
    public Items items() {
      long answered = 0;
      long failed = 0;
      long cancelled = 0;
      for (Items items : policies.values()) {
        answered += items.answered;
        failed += items.failed;
        cancelled += items.cancelled;
      }
      return new Items(answered, failed, cancelled);
    }

    private void print(List<String> lines) {
      lines.add(line("model %s: %s", version, items()));
      if (policies.size() > 1) {
        policies.forEach((name, items) -> lines.add(line("  policy %s: %s", name, items)));
      }
      lines.add(line("  seconds to the answer: %s", duration));
      lines.add(line("  share of full depth: %s", depth));
      lines.add("  flops: " + flops);
      if (audited > 0) {
        lines.add(line("  audited %d, disagreed %d", audited, disagreed));
      }
      steps.forEach(step -> step.print(lines));
      layers.forEach(layer -> lines.add("  " + layer));
    }
  }

  /**
   * Items that are over.
   *
   * @param answered have an answer
   * @param failed could not be computed, or were here when the engine closed
   * @param cancelled were completed by somebody else
   */
  public record Items(long answered, long failed, long cancelled) {
    /** Returns how many there are. */
    public long all() {
      return answered + failed + cancelled;
    }

    @Override
    public String toString() {
      return line("%d answered, %d failed, %d cancelled", answered, failed, cancelled);
    }
  }

  /**
   * Floating-point operations, counted from the description.
   *
   * @param blocks of rows that ran for an answer of their own
   * @param frozen of rows that had left and ran for those that read them
   * @param heads of scores and outputs
   * @param fills of rows that earlier events of sequences owed
   * @param shadow of rows that were answered and ran on to be compared
   * @param full what the items that were answered would have taken at full depth
   */
  public record Flops(long blocks, long frozen, long heads, long fills, long shadow, long full) {
    /** Returns what answers took: blocks, frozen rows and heads. */
    public long executed() {
      return blocks + frozen + heads;
    }

    /**
     * Returns the share of full depth that was not executed; NaN before the first answer.
     * Operations count when they ran, full depth when the answer is there.
     */
    public double saved() {
      return full == 0 ? Double.NaN : 1 - (double) executed() / full;
    }

    @Override
    public String toString() {
      return line(
          "%d blocks, %d frozen, %d heads of %d at full depth, saved %.3f; %d fills, %d shadow",
          blocks, frozen, heads, full, saved(), fills, shadow);
    }
  }

  /**
   * One step.
   *
   * @param index in the cut
   * @param point the id of the exit, halt, prune or choice behind it; {@code "end"}; or empty
   * @param batches that ran, by why they did
   * @param live rows that ran for an answer of their own
   * @param frozen rows that had left and ran for those that read them
   * @param fills rows that earlier events of sequences owed
   * @param shadow rows that were answered and ran on to be compared
   * @param left units that fired
   * @param forced how many of these were told to leave here
   * @param pruned rows that were dropped
   * @param invalid units whose score was no number
   * @param rows live and frozen ones of each batch that had some
   * @param waited seconds that the first item of such a batch had waited
   * @param duration seconds that such a batch took
   */
  public record Step(
      int index,
      String point,
      Map<Schedule.Reason, Long> batches,
      long live,
      long frozen,
      long fills,
      long shadow,
      long left,
      long forced,
      long pruned,
      long invalid,
      Distribution rows,
      Distribution waited,
      Distribution duration) {
    /** Copies the map. */
    public Step {
      batches = Collections.unmodifiableMap(new TreeMap<>(batches));
    }

    private void print(List<String> lines) {
      lines.add(
          line(
              "  step %d %s: batches %s; rows %d live, %d frozen, %d fills, %d shadow;"
                  + " %d left, %d forced, %d pruned, %d invalid",
              index, point, batches, live, frozen, fills, shadow, left, forced, pruned, invalid));
      lines.add(line("    rows: %s", rows));
      lines.add(line("    seconds waited: %s", waited));
      lines.add(line("    seconds ran: %s", duration));
    }
  }

  /**
   * What one router let rows see that ran for an answer of their own.
   *
   * @param path such as {@code "blocks.0.mixture"}
   * @param tokens how many rows picked each expert; empty for a skip
   * @param special how many picks were of members that answer zero, what they read, a constant
   * @param dropped picks for which there was no room
   * @param skipped rows that a skip let pass
   * @param variation standard deviation over mean of the experts' load in the last whole window;
   *     NaN before it
   * @param maxRatio the largest load over the mean, there
   * @param entropy of the load over that of equal loads, there, in 0..1
   */
  public record Layer(
      String path,
      List<Long> tokens,
      List<Long> special,
      long dropped,
      long skipped,
      double variation,
      double maxRatio,
      double entropy) {
    /** Copies the lists. */
    public Layer {
      tokens = List.copyOf(tokens);
      special = List.copyOf(special);
    }

    @Override
    public String toString() {
      return tokens.isEmpty()
          ? line("%s: %d skipped", path, skipped)
          : line(
              "%s: tokens %s, special %s, %d dropped; load cv %.3f, max %.3f, entropy %.3f",
              path, tokens, special, dropped, variation, maxRatio, entropy);
    }
  }

  /**
   * Numbers by size.
   *
   * @param bounds ascending; a number that equals one lies below it
   * @param counts how many lie below each bound and above the one before, and at last above all
   * @param total the sum of the numbers
   */
  public record Distribution(List<Double> bounds, List<Long> counts, double total) {
    /** Copies the lists. */
    public Distribution {
      bounds = List.copyOf(bounds);
      counts = List.copyOf(counts);
    }

    /** Returns how many numbers there are. */
    public long count() {
      return counts.stream().mapToLong(count -> count).sum();
    }

    /** Returns the mean; NaN without a number. */
    public double mean() {
      return count() == 0 ? Double.NaN : total / count();
    }

    /**
     * Returns the least bound that at least a share of the numbers lies below; infinity where there
     * is none, NaN without a number.
     *
     * @param share in 0..1
     */
    public double bound(double share) {
      long all = count();
      long sum = 0;
      for (int i = 0; i < bounds.size(); i++) {
        sum += counts.get(i);
        if (all > 0 && sum >= share * all) {
          return bounds.get(i);
        }
      }
      return all == 0 ? Double.NaN : Double.POSITIVE_INFINITY;
    }

    @Override
    public String toString() {
      return count() == 0
          ? "none"
          : line(
              "%d, mean %.4g, half up to %.4g, 99 %% up to %.4g",
              count(), mean(), bound(0.5), bound(0.99));
    }
  }
}
