package anabranch.model;

import anabranch.error.Bounds;
import anabranch.model.route.Router;
import java.util.function.Consumer;

/**
 * Several feed-forward networks of one shape, of which a router picks a few for each row.
 *
 * @param experts how many there are, at least 1
 * @param expert the shape of each
 * @param router which rows see which experts, and with what weight
 */
public record Mixture(int experts, FeedForward expert, Router router) implements Operation {
  /** Checks the bounds, and that the router fits the number of experts. */
  public Mixture {
    Bounds.within("mixture.experts", experts, 1, 1 << 16);
    router.checkAgainst(experts);
  }

  @Override
  public void parameters(String path, int width, Consumer<Parameter> into) {
    if (router.hasWeight()) {
      into.accept(Parameter.matrix(path + ".router.weight", experts, width));
    }
    if (router.hasBias()) {
      into.accept(Parameter.vector(path + ".router.bias", experts));
    }
    if (router.hasCorrection()) {
      into.accept(Parameter.vector(path + ".router.correction", experts));
    }
    for (int e = 0; e < experts; e++) {
      expert.parameters(path + ".experts." + e, width, into);
    }
  }

  @Override
  public boolean mixes() {
    return false;
  }
}
