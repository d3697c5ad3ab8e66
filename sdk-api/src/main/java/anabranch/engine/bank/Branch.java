package anabranch.engine.bank;

import anabranch.engine.Item;
import anabranch.error.Bounds;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;

/**
 * A call that changes some items before they are answered, such as a search whose findings join the
 * text. Everything behind it reads what it made of the item. Immutable; any thread.
 *
 * @param name names it in answers and errors
 * @param signal one logit of the item; closed with the bank
 * @param bound the call is made exactly where the sigmoid of the logit is above this; finite
 * @param cost what a call counts, in the unit of all costs of the bank; finite, from 0 on
 * @param call soon returns a future of the changed item; by many threads at once. The future may be
 *     cancelled when nobody waits for the answer any more
 */
public record Branch(
    String name,
    Signal signal,
    double bound,
    double cost,
    Function<Item, CompletableFuture<Item>> call) {
  /** Checks the name and the bounds. */
  public Branch {
    Bounds.name("branch.name", name);
    Bounds.require(Double.isFinite(bound), "branch.bound " + bound + " is not a finite number");
    Bounds.notNegative("branch.cost", cost);
  }

  /**
   * What became of a branch.
   *
   * @param branch its name
   * @param called whether the call was made
   * @param cost of the call; 0 where none was made
   * @param vote what its signal said; the cost of asking is the vote's own
   */
  public record Outcome(String branch, boolean called, double cost, Vote vote) {}

  /** Decides by a vote. */
  Outcome decide(Vote vote) {
    Choice choice = Picking.choose(Picking.above(bound).among(1), List.of(name), vote);
    boolean called = !choice.shares().isEmpty();
    return new Outcome(name, called, called ? cost : 0, vote);
  }
}
