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
 * @param source what the encoder reads before, in models that have one; else null
 * @param policy the policy for this item; null for the engine's policy at admission
 * @param forcedExits where its units leave, whatever they score: the index of the step of an exit
 *     or of the last step for each row, or one for an item that leaves as a whole; halts, prunes
 *     and the encoder still follow the policy. Null to let the policy decide
 * @param within how long the answer may take: once no more time is left than the rest of the model
 *     needs, the item is urgent. Nothing is decided otherwise for it, and a late answer is still
 *     given; null for no hurry, else above 0 and at most 1 day
 */
public record Item(
    String id,
    Event event,
    @Nullable Event source,
    @Nullable Policy policy,
    @Nullable List<Integer> forcedExits,
    @Nullable Duration within) {
  /** Checks the time and copies the list. */
  public Item {
    forcedExits = forcedExits == null ? null : List.copyOf(forcedExits);
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
    return new Item(id, event, read, policy, forcedExits, within);
  }

  /** Returns this item with a policy of its own. */
  public Item withPolicy(Policy own) {
    return new Item(id, event, source, own, forcedExits, within);
  }

  /** Returns this item with its exits forced: the index of a step for each unit. */
  public Item withForcedExits(List<Integer> steps) {
    return new Item(id, event, source, policy, steps, within);
  }

  /** Returns this item with a time that its answer may take. */
  public Item within(Duration time) {
    return new Item(id, event, source, policy, forcedExits, time);
  }

  /** Returns the same item with keys for its events where they have none. */
  Item keyed() {
    Event read = source == null || source.hasKey() ? source : source.keyed(id);
    Event own = event.hasKey() ? event : event.keyed(id);
    return new Item(id, own, read, policy, forcedExits, within);
  }
}
