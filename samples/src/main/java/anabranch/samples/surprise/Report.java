package anabranch.samples.surprise;

import anabranch.samples.text.Glyph;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Words and tables for what a run found. Stateless. */
final class Report {
  /** How many characters of a line are shown at most. */
  static final int SHOWN = 96;

  private Report() {}

  /**
   * Returns the report of a run.
   *
   * @param atFullSpeed the run in which lines came as fast as they could be answered
   * @param atHalfSpeed the run at half that rate; null if the input cannot be read twice
   */
  static String of(Tally atFullSpeed, @Nullable Tally atHalfSpeed) {
    StringBuilder out = new StringBuilder();
    Tally t = atFullSpeed;
    row(out, "lines", "%,d (%,d blank), %,d bytes", t.lines, t.blank, t.bytes);
    if (t.bytes == 0) {
      row(out, "result", "nothing to score");
      return out.toString();
    }
    double seconds = t.seconds();
    row(out, "device", "%s", t.device);
    row(out, "speed", "%,.0f lines/s, %,.0f bytes/s", t.lines / seconds, t.bytes / seconds);
    row(
        out,
        "latency at full speed",
        "p50 %.1f ms, p99 %.1f ms",
        t.latencies.millis(0.5),
        t.latencies.millis(0.99));
    if (atHalfSpeed == null) {
      row(out, "latency at half speed", "not measured: the input cannot be read twice");
    } else {
      row(
          out,
          "latency at half speed",
          "p50 %.1f ms, p99 %.1f ms (%,.0f lines/s)",
          atHalfSpeed.latencies.millis(0.5),
          atHalfSpeed.latencies.millis(0.99),
          atHalfSpeed.lines / atHalfSpeed.seconds());
    }
    row(out, "surprise", "%.3f bits per byte", t.bits / t.bytes);
    row(out, "bytes leaving", "%s", exits(t));
    int blocks = SurpriseModel.getSurpriseModel().plan().blocks().size();
    row(
        out,
        "depth",
        "%.2f of %d blocks, arithmetic %.1f %% of full depth",
        (double) t.blocksRun / t.bytes,
        blocks,
        100.0 * t.flops / t.fullFlops);
    if (t.audited == 0) {
      row(out, "agreement with full depth", "no line was drawn for audit");
    } else {
      row(
          out,
          "agreement with full depth",
          "%.2f %% of bytes predict the same, %.1f %% of lines within 0.1 bit per byte"
              + " (audited: %,d lines, %,d bytes)",
          100.0 * t.agreed / t.audited,
          100.0 * t.closeLines / t.auditedLines,
          t.auditedLines,
          t.audited);
    }
    out.append("\nexpert load, share of the bytes that ran the block\n").append(load(t));
    return out.toString();
  }

  private static void row(StringBuilder out, String name, String format, Object... values) {
    out.append(String.format(Locale.ROOT, "%-27s", name))
        .append(String.format(Locale.ROOT, format, values))
        .append('\n');
  }

  private static String exits(Tally t) {
    StringBuilder out = new StringBuilder();
    List<String> names = SurpriseJob.exitNames();
    for (int e = 0; e < t.exits.length; e++) {
      out.append(e == 0 ? "" : ", ")
          .append(
              String.format(Locale.ROOT, "%s %.1f %%", names.get(e), 100.0 * t.exits[e] / t.bytes));
    }
    return out.toString();
  }

  private static String load(Tally t) {
    StringBuilder out = new StringBuilder();
    for (int first = 0; first < t.load.length; first += LineScorer.EXPERTS) {
      long[] block = Arrays.copyOfRange(t.load, first, first + LineScorer.EXPERTS);
      long rows = Arrays.stream(block).sum();
      out.append(String.format(Locale.ROOT, "  block %d", first / LineScorer.EXPERTS));
      for (long seen : block) {
        out.append(String.format(Locale.ROOT, " %5.1f %%", rows == 0 ? 0 : 100.0 * seen / rows));
      }
      out.append('\n');
    }
    return out.toString();
  }

  /** Returns the lines with the most bits for each byte, for a run in which none was flagged. */
  static String oddest(List<LineScore> lines) {
    StringBuilder out = new StringBuilder(lines.isEmpty() ? "" : "\nthe oddest lines\n");
    for (LineScore line : lines) {
      out.append(
          String.format(
              Locale.ROOT,
              "  %5.2f  %s:%d  %s%n",
              line.bitsPerByte(),
              Glyph.harmless(line.source()),
              line.number(),
              line.shown(SHOWN).strip()));
    }
    return out.toString();
  }
}
