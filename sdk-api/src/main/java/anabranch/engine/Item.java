package anabranch.engine;

import anabranch.backend.Event;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One unit of work: a record, a request, a line of text.
 *
 * @param id names it in its inference and in errors; need not be unique
 * @param event its rows
 * @param policy the policy for this item; null for the engine's policy at admission
 * @param forcedExits where its units leave, whatever they score: the index of a stage for each row,
 *     or one for an item that leaves as a whole; null to let the policy decide
 */
public record Item(
    String id, Event event, @Nullable Policy policy, @Nullable List<Integer> forcedExits) {
  /** Copies the list. */
  public Item {
    forcedExits = forcedExits == null ? null : List.copyOf(forcedExits);
  }

  /** Returns an item that follows the engine's policy. */
  public static Item of(String id, Event event) {
    return new Item(id, event, null, null);
  }

  /** Returns this item with a policy of its own. */
  public Item withPolicy(Policy own) {
    return new Item(id, event, own, forcedExits);
  }

  /** Returns this item with its exits forced: the index of a stage for each unit. */
  public Item withForcedExits(List<Integer> stages) {
    return new Item(id, event, policy, stages);
  }
}
