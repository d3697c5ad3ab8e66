package anabranch.flink.keyed.state;

import anabranch.backend.StateImage;
import anabranch.error.Bounds;
import org.apache.flink.annotation.Internal;
import org.jspecify.annotations.Nullable;

/**
 * What is known of the sequence of a key beside its pages. Immutable; any thread.
 *
 * @param model the version of the model under which it began; empty for that of the step
 * @param signature what the pages fit; empty while there are none
 * @param version of the image that the pages are; 0 while there are none
 * @param length how many rows it has, at least 0
 * @param events how many records it took, at least 0
 * @param number the sequence number of the last record; null if records have none
 * @param touched when the last record came, in milliseconds of processing time
 * @param wake when a timer looks whether it expired; 0 if there is none
 * @param broken whether it cannot go on: it has no pages then, and waits for its end
 */
@Internal
public record SequenceHeader(
    String model,
    String signature,
    long version,
    int length,
    long events,
    @Nullable Long number,
    long touched,
    long wake,
    boolean broken) {
  /** Checks the bounds. */
  public SequenceHeader {
    Bounds.atLeast("header.length", length, 0);
    Bounds.require(events >= 0, "header.events " + events + " is below 0");
  }

  /** Returns the header of a sequence that took nothing yet. */
  public static SequenceHeader fresh(String model) {
    return new SequenceHeader(model, "", 0, 0, 0, null, 0, 0, false);
  }

  /** Returns whether there are pages of it in the state. */
  public boolean hasPages() {
    return version > 0;
  }

  /** Returns whether it took a record or broke; if not, only a number is known. */
  public boolean isBegun() {
    return events > 0 || broken;
  }

  /** Returns this header of a sequence that begins under a model. */
  public SequenceHeader under(String other) {
    return new SequenceHeader(
        other, signature, version, length, events, number, touched, wake, broken);
  }

  /** Returns this header when a record with that many rows was taken. */
  public SequenceHeader taking(int rows, @Nullable Long its, long now) {
    return new SequenceHeader(
        model, signature, version, length + rows, events + 1, its, now, wake, broken);
  }

  /** Returns this header when a record was refused and the sequence is what it was. */
  public SequenceHeader passing(@Nullable Long its, long now) {
    Long last = its == null ? number : its;
    return new SequenceHeader(model, signature, version, length, events, last, now, wake, broken);
  }

  /** Returns this header with the time of another timer. */
  public SequenceHeader waking(long time) {
    return new SequenceHeader(
        model, signature, version, length, events, number, touched, time, broken);
  }

  /** Returns this header when the pages of a later image were written. */
  public SequenceHeader with(StateImage image) {
    return new SequenceHeader(
        model, image.signature(), image.version(), length, events, number, touched, wake, broken);
  }

  /** Returns the header of the sequence when it cannot go on. */
  public SequenceHeader breaking() {
    return new SequenceHeader(model, "", 0, length, events, number, touched, wake, true);
  }
}
