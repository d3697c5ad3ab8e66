package anabranch.engine;

import anabranch.backend.Event;
import anabranch.error.Bounds;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One unit of work: a record, a request, a line of text.
 *
 * @param id names it in its inference and in errors; need not be unique. Where a model draws
 *     anything by keys, it is the key of events that bring none
 * @param event its rows
 * @param source what the encoder reads before, in models that have one; else null. Without a
 *     condition of its own it has that of {@code event}
 * @param policy the policy for this item; null for the engine's policy at admission
 * @param forced what is decided about its units, whatever they score; null to let the policy decide
 *     everything
 * @param within how long the answer may take: once no more time is left than the rest of the model
 *     needs, the item is urgent. Nothing is decided otherwise for it, and a late answer is still
 *     given; null for no hurry, else above 0 and at most 1 day
 */
public record Item(
    String id,
    Event event,
    @Nullable Event source,
    @Nullable Policy policy,
    Inference.@Nullable Borders forced,
    @Nullable Duration within) {
  /** Checks the time. */
  public Item {
    Bounds.require(
        within == null
            || within.compareTo(Duration.ZERO) > 0 && within.compareTo(Duration.ofDays(1)) <= 0,
        "item.within " + within + " is not above 0 and at most 1 day");
  }

  /** Returns an item that follows the engine's policy. */
  public static Item of(String id, Event event) {
    return new Item(id, event, null, null, null, null);
  }

  /** Returns this item with an event for the encoder to read. */
  public Item reading(Event read) {
    return new Item(id, event, read, policy, forced, within);
  }

  /** Returns this item with a policy of its own. */
  public Item withPolicy(Policy own) {
    return new Item(id, event, source, own, forced, within);
  }

  /** Returns this item with its exits forced: the index of a step for each unit. */
  public Item withForcedExits(List<Integer> steps) {
    return withForced(Inference.Borders.ofExits(steps));
  }

  /**
   * Returns this item with decisions forced: those of an inference, to compute it again on any
   * backend.
   */
  public Item withForced(Inference.Borders borders) {
    return new Item(id, event, source, policy, borders, within);
  }

  /** Returns this item with a time that its answer may take. */
  public Item within(Duration time) {
    return new Item(id, event, source, policy, forced, time);
  }

  /** Returns the same item with the condition of its event for the encoder's, if that has none. */
  Item conditioned() {
    boolean own = source == null || source.conditionLength() > 0;
    return own ? this : reading(source.under(event));
  }

  /** Returns the same item with keys for its events where they have none. */
  Item keyed() {
    Event read = source == null || source.hasKey() ? source : source.keyed(id);
    Event own = event.hasKey() ? event : event.keyed(id);
    return new Item(id, own, read, policy, forced, within);
  }
}
