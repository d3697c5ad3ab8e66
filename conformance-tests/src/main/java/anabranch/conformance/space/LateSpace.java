package anabranch.conformance.space;

import anabranch.model.ModelSpec;
import anabranch.model.layer.Activation;
import anabranch.model.route.Logits;
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

  /** Returns the description, seldom with conditions for some of its routers. */
  ModelSpec over(ModelSpec spec) {
    return dice.chance(0.25) ? Rewrite.routers(spec, this::conditioned) : spec;
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
