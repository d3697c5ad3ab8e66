package anabranch.model.layer;

import anabranch.error.Bounds;
import anabranch.model.route.Capacity;
import anabranch.model.route.Placement;
import anabranch.model.route.Router;
import anabranch.model.route.Selection;
import anabranch.model.route.Source;
import java.util.function.Consumer;

/**
 * Experts within an attention: each has queries and a projection of the result of its own, keys and
 * values are the same for all (Zhang et al., Mixture of Attention Heads; JetMoE).
 *
 * <p>A row asks with the heads of the experts that it picks; each projects what its own heads read,
 * the gates weigh the results, and they are summed in ascending order of experts.
 *
 * @param experts how many there are, at least 1
 * @param router which of them a row asks with: the k best, without capacity
 * @param constant whether a learned vector is added to the sum
 */
public record RoutedHeads(int experts, Router router, boolean constant) {
  /** Checks the bounds, and that the router picks the same number for every row. */
  public RoutedHeads {
    Bounds.within("attention.routed.experts", experts, 1, 1 << 16);
    check("attention.routed.router", router, experts);
    Bounds.require(
        router.source() != Source.PROMPT_MEAN,
        "attention.routed.router.source PROMPT_MEAN is for skips");
  }

  /** Checks that a router picks the same number of experts for every row, and drops none. */
  static void check(String field, Router router, int experts) {
    router.checkAgainst(experts);
    Bounds.require(
        router.selection() instanceof Selection.TopK top && top.secondary() == null,
        field
            + ".selection "
            + router.selection()
            + " does not pick the same number for every row");
    Bounds.require(
        router.capacity() instanceof Capacity.Unlimited,
        field + ".capacity " + router.capacity() + " is not unlimited");
    Bounds.require(
        router.placement() == Placement.OUTPUT,
        field + ".placement " + router.placement() + " is not OUTPUT");
  }

  /** Returns how many experts a row asks with. */
  public int k() {
    return router.selection().most(experts);
  }

  void checkAgainst(int heads, int headWidth) {
    Bounds.require(
        (long) k() * heads * headWidth <= Attention.MOST_WIDTH,
        "attention.routed.router.k "
            + k()
            + " times heads "
            + heads
            + " times headWidth "
            + headWidth
            + " is above "
            + Attention.MOST_WIDTH);
  }

  void parameters(Attention attention, String path, int width, Consumer<Parameter> into) {
    Mixture.router(router, path + ".router", width, experts, into);
    int heads = attention.queryWidth();
    Attention.Bias bias = attention.bias();
    for (int e = 0; e < experts; e++) {
      Attention.project(path + ".experts." + e + ".q", heads, width, bias.ofInputs(), into);
      Attention.project(path + ".experts." + e + ".o", width, heads, bias.ofResult(), into);
    }
    if (constant) {
      into.accept(Parameter.vector(path + ".constant", width));
    }
  }
}
