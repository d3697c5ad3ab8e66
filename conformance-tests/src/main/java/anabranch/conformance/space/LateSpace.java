package anabranch.conformance.space;

import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Operation;
import anabranch.model.layer.Skip;
import anabranch.model.route.Logits;
import anabranch.model.route.Placement;
import anabranch.model.route.Router;
import anabranch.model.route.Selection;
import anabranch.model.route.Source;

/**
 * Draws words that are put over a whole description, which leaves the draws of all others as they
 * are. Confined to one draw.
 */
final class LateSpace {
  /** The numbers of a condition, which all routers of a model have in common. */
  private static final int CONDITION = 7;

  private final Dice dice;

  LateSpace(Dice dice) {
    this.dice = dice;
  }

  /** Returns the description, seldom with modulations, or conditions for some of its routers. */
  ModelSpec over(ModelSpec spec) {
    boolean conditions = dice.chance(0.25);
    ModelSpec over = dice.chance(0.2) ? Rewrite.operations(spec, this::modulated) : spec;
    return conditions ? Rewrite.routers(over, this::conditioned) : over;
  }

  private Operation modulated(Operation operation) {
    if (!plain(operation) || !dice.chance(0.4)) {
      return operation;
    }
    int experts = dice.between(1, 5);
    // No router by tokens: encoders may read others, or none.
    RouterSpace routers = new RouterSpace(dice, new Input.Features(1, 1), false);
    Router router = routers.mixture(experts).with(Placement.OUTPUT);
    return new Mixture.Modulated(experts, router, operation);
  }

  /** Returns whether a modulation may stand around an operation. */
  private static boolean plain(Operation operation) {
    return !(operation instanceof Skip)
        && !(operation instanceof Mixture.Modulated)
        && operation.parts().stream().allMatch(LateSpace::plain);
  }

  private Router conditioned(Router router) {
    boolean fits =
        (router.source() == Source.HIDDEN || router.source() == Source.EVENT_MEAN)
            && !router.logits().carried()
            && !(router.selection() instanceof Selection.ExpertChoice);
    return fits && dice.chance(0.5)
        ? router.with(
            Source.CONDITION,
            new Logits.Conditioned(CONDITION, dice.pick(Activation.values()), dice.chance(0.5)))
        : router;
  }
}
