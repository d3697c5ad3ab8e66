package anabranch.engine;

import anabranch.backend.Event;
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
 * @param forcedExits where its units leave, whatever they score: the index of the step of an exit
 *     or of the last step for each row, or one for an item that leaves as a whole; halts, prunes
 *     and the encoder still follow the policy. Null to let the policy decide
 */
public record Item(
    String id,
    Event event,
    @Nullable Event source,
    @Nullable Policy policy,
    @Nullable List<Integer> forcedExits) {
  /** Copies the list. */
  public Item {
    forcedExits = forcedExits == null ? null : List.copyOf(forcedExits);
  }

  /** Returns an item that follows the engine's policy. */
  public static Item of(String id, Event event) {
    return new Item(id, event, null, null, null);
  }

  /** Returns this item with an event for the encoder to read. */
  public Item reading(Event read) {
    return new Item(id, event, read, policy, forcedExits);
  }

  /** Returns this item with a policy of its own. */
  public Item withPolicy(Policy own) {
    return new Item(id, event, source, own, forcedExits);
  }

  /** Returns this item with its exits forced: the index of a step for each unit. */
  public Item withForcedExits(List<Integer> steps) {
    return new Item(id, event, source, policy, steps);
  }
}
