package anabranch.model.layer;

import anabranch.error.Bounds;
import anabranch.model.route.Capacity;
import anabranch.model.route.Placement;
import anabranch.model.route.Router;
import anabranch.model.route.Selection;
import java.util.List;
import java.util.function.Consumer;

/**
 * One operation that a router lets some rows pass: a bank with a single member. The result is the
 * operation's, times the gate, for rows that run, and zero for the others (Raposo et al.,
 * Mixture-of-Depths; He et al., Router-Tuning).
 *
 * <p>The rows that run attend among each other, at their own positions; what the others show them
 * is said by {@code keys}.
 *
 * @param router which rows run; its selection is a threshold or the choice of the member
 * @param operation what runs or does not; no skip, and none inside
 * @param keys what a row that does not run shows to others: {@link Bypass#MASK}, {@link
 *     Bypass#FREEZE_PROJECT} or {@link Bypass#FREEZE_SHARE_KV}
 */
public record Skip(Router router, Operation operation, Bypass keys) implements Operation {
  /** Checks that the router fits a single member. */
  public Skip {
    router.checkAgainst(1);
    Bounds.require(
        router.selection() instanceof Selection.Threshold
            || router.selection() instanceof Selection.ExpertChoice,
        "skip.router.selection " + router.selection() + " lets every row run");
    Bounds.require(
        router.capacity() instanceof Capacity.Unlimited,
        "skip.router.capacity " + router.capacity() + " is not unlimited");
    Bounds.require(
        router.placement() == Placement.OUTPUT,
        "skip.router.placement " + router.placement() + " is not OUTPUT");
    Bounds.require(
        keys == Bypass.MASK || keys.freezes(), "skip.keys " + keys + " is for exits alone");
    requireNoSkip(operation);
  }

  private static void requireNoSkip(Operation operation) {
    Bounds.require(!(operation instanceof Skip), "skip.operation contains a skip");
    operation.parts().forEach(Skip::requireNoSkip);
  }

  /** Returns the path of the operation's parameters, given the path of this one's. */
  public String operationPath(String path) {
    return operation instanceof Chain ? path : path + "." + Sublayer.nameOf(operation);
  }

  @Override
  public void parameters(String path, int width, Consumer<Parameter> into) {
    Mixture.router(router, path + ".router", width, 1, into);
    operation.parameters(operationPath(path), width, into);
  }

  @Override
  public int members() {
    return 1;
  }

  @Override
  public List<Operation> parts() {
    return List.of(operation);
  }

  @Override
  public boolean mixes() {
    return operation.mixes();
  }
}
