package anabranch.backend;

import anabranch.error.Bounds;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What computes the numbers of a loaded model, and what a replay may promise.
 *
 * @param kind how far equal inputs give equal bits
 * @param absolute the absolute part of the tolerance against exact arithmetic, from 0 on; the kit
 *     takes at most 0.2 (rule D8)
 * @param relative the part relative to the root mean square of a row, from 0 on; at most 0.2, too
 * @param device where it runs, such as {@code "cpu"} or {@code "cuda:0"}
 * @param provider the part of a runtime that computes there, its release and settings included,
 *     such as {@code "ONNX Runtime 1.28.0, CPUExecutionProvider"}; empty where the backend itself
 *     does
 * @param type the number type of the arithmetic, such as {@code "fp32"}
 * @param notes what a reader of a report should know, such as a preferred device that was not there
 */
public record Numerics(
    Kind kind,
    double absolute,
    double relative,
    String device,
    String provider,
    String type,
    List<String> notes) {
  /** How far equal inputs give equal bits. */
  public enum Kind {
    /** The same bits in any batch. */
    BITWISE_BATCH_INVARIANT,
    /** The same bits in the same batch. */
    BITWISE_REPEATABLE,
    /** Within the tolerance. */
    TOLERANT
  }

  /** Checks the tolerances and copies the notes. */
  public Numerics {
    Bounds.notNegative("numerics.absolute", absolute);
    Bounds.notNegative("numerics.relative", relative);
    notes = List.copyOf(notes);
  }

  /** Creates the numerics of a backend that computes itself. */
  public Numerics(
      Kind kind, double absolute, double relative, String device, String type, List<String> notes) {
    this(kind, absolute, relative, device, "", type, notes);
  }

  /** Returns these numerics with further notes. */
  public Numerics and(List<String> more) {
    List<String> all = new ArrayList<>(notes);
    all.addAll(more);
    return new Numerics(kind, absolute, relative, device, provider, type, all);
  }

  /** Returns everything in one line, for the head of a report. */
  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "%s on %s%s, %s within %.1e + %.1e of a row's root mean square%s",
        type,
        device,
        provider.isEmpty() ? "" : " by " + provider,
        kind,
        absolute,
        relative,
        notes.isEmpty() ? "" : "; " + String.join("; ", notes));
  }
}
