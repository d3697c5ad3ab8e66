package anabranch.model.layer;

import anabranch.error.Bounds;
import java.util.List;
import java.util.function.Consumer;

/**
 * A run of residual sublayers seen as one operation: its result is what they add to its input. What
 * a {@link Skip} passes over when it passes over a whole block.
 *
 * @param sublayers in order; at least one, names distinct, none of them a chain
 */
public record Chain(List<Sublayer> sublayers) implements Operation {
  /** Copies the list and checks it. */
  public Chain {
    sublayers = List.copyOf(sublayers);
    Bounds.atLeast("chain.sublayers.size", sublayers.size(), 1);
    Bounds.distinct("sublayer.name", sublayers.stream().map(Sublayer::name).toList());
    for (Sublayer sublayer : sublayers) {
      Bounds.require(
          !(sublayer.operation() instanceof Chain),
          "chain.sublayers \"" + sublayer.name() + "\" is a chain itself");
    }
  }

  /**
   * A chain that runs fewer rows than it answers (Zeng et al., Vcc): some rows are kept, the others
   * stand in blocks, and most blocks run as one row, the mean of theirs. Its key counts as often as
   * there are rows in its block, and what the chain adds to it is added to each of them; so where
   * nothing is added, every row stays as it was.
   *
   * <p>Which blocks run row by row is decided each time: those to whose means the kept rows attend
   * most, as the chain's first attention sees them.
   *
   * @param size how many rows make a block, at least 1; the last block has what is left
   * @param fine how many blocks run row by row, from 0 on
   * @param kept positions that are in no block, from 0 on; at least one
   * @param chain what runs: attentions with the mask FULL, the first of its sublayers among them,
   *     and feed-forward networks, without routers
   */
  public record Merged(int size, int fine, List<Integer> kept, Chain chain) implements Operation {
    /** Checks the bounds, and that the chain may run rows that stand for others. */
    public Merged {
      Bounds.within("merged.size", size, 1, 1 << 16);
      Bounds.within("merged.fine", fine, 0, 1 << 16);
      kept = List.copyOf(kept);
      Bounds.require(!kept.isEmpty(), "merged.kept is empty: no row says which blocks matter");
      kept.forEach(position -> Bounds.atLeast("merged.kept", position, 0));
      Sublayer first = chain.sublayers.get(0);
      Bounds.require(
          first.operation() instanceof Attention,
          "merged.chain begins with \"" + first.name() + "\", which is no attention",
          "A30");
      chain.sublayers.forEach(Merged::check);
    }

    private static void check(Sublayer sublayer) {
      String field = "merged.chain \"" + sublayer.name() + "\" ";
      if (sublayer.operation() instanceof Attention attention) {
        Bounds.require(
            attention.mask() == Attention.Mask.FULL,
            field + "has mask " + attention.mask() + ", not FULL",
            "A30");
        Bounds.require(
            attention.routed() == null && attention.projections() == null,
            field + "has a router",
            "A30");
      } else {
        Bounds.require(
            sublayer.operation() instanceof FeedForward,
            field + "is no attention and no feed-forward network",
            "A30");
      }
    }

    /** Returns the attention by which blocks are scored. */
    public Attention attention() {
      return (Attention) chain.sublayers.get(0).operation();
    }

    @Override
    public void parameters(String path, int width, Consumer<Parameter> into) {
      chain.parameters(path, width, into);
    }

    @Override
    public int members() {
      return 1;
    }

    @Override
    public List<Operation> parts() {
      return List.of(chain);
    }

    @Override
    public boolean mixes() {
      return true;
    }
  }

  /** Returns a chain of these sublayers. */
  public static Chain of(Sublayer... sublayers) {
    return new Chain(List.of(sublayers));
  }

  @Override
  public void parameters(String path, int width, Consumer<Parameter> into) {
    for (Sublayer sublayer : sublayers) {
      sublayer.parameters(path, width, into);
    }
  }

  @Override
  public List<Operation> parts() {
    return sublayers.stream().map(Sublayer::operation).toList();
  }

  @Override
  public boolean mixes() {
    return sublayers.stream().anyMatch(sublayer -> sublayer.operation().mixes());
  }
}
