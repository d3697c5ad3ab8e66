package anabranch.engine.turn;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.Condition;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;

/**
 * Those who wait for room: threads, and whoever has a future of it. Whoever calls holds the guard.
 *
 * @param <K> who asks for room
 */
public final class Waiters<K> {
  private final Condition room;
  private final Map<K, CompletableFuture<Void>> wishes = new HashMap<>();

  /** Creates nobody. */
  public Waiters(Guard guard) {
    room = guard.condition();
  }

  /** Waits until there is room. */
  public void await(BooleanSupplier has) {
    while (!has.getAsBoolean()) {
      room.awaitUninterruptibly();
    }
  }

  /** Returns what completes when somebody has room, for one of several who ask for it. */
  public CompletableFuture<Void> wish(K key) {
    return wishes.computeIfAbsent(key, missing -> new CompletableFuture<>()).copy();
  }

  /**
   * Tells those who wait that there may be room.
   *
   * @param outside takes what completes the futures
   */
  public void tell(Predicate<K> has, List<Runnable> outside) {
    room.signalAll();
    wishes
        .entrySet()
        .removeIf(
            wish -> {
              boolean over = has.test(wish.getKey());
              if (over) {
                outside.add(() -> wish.getValue().complete(null));
              }
              return over;
            });
  }
}
