package anabranch.engine.bank;

import anabranch.engine.Engine;
import anabranch.engine.Item;
import java.util.concurrent.CompletableFuture;

/**
 * What a bank asks who shall answer an item: a model of its own, or any function.
 *
 * <p>Called by many threads at once. The future may be cancelled when nobody waits for the vote any
 * more. Closed with the bank, more than once where several share it.
 */
@FunctionalInterface
public interface Signal extends AutoCloseable {
  /** Asks about an item; soon returns a future of one logit for each member. */
  CompletableFuture<Vote> ask(Item item);

  /** Does nothing, unless the signal has something to close. */
  @Override
  default void close() {}

  /**
   * Returns a signal whose logits are those of a model: one for each member, of which the version
   * and the operations are those of the model's inference.
   *
   * <p>The model reads the event and the source of the item, under the engine's own policy.
   *
   * @param engine closed with the signal
   * @throws anabranch.error.DescriptionException if the model answers rows and not items
   */
  static Signal of(Engine engine) {
    return new ModelSignal(engine);
  }

  /** Returns a signal that says the same of all items, and costs nothing. */
  static Signal always(float... logits) {
    Vote vote = Vote.of(logits);
    return item -> CompletableFuture.completedFuture(vote);
  }
}
