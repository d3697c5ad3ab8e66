package anabranch.model;

import anabranch.error.Bounds;
import java.util.List;
import java.util.function.Consumer;

/**
 * A run of residual sublayers: usually attention, then a feed-forward network or a mixture.
 *
 * @param sublayers in order; at least one, names distinct
 */
public record Block(List<Sublayer> sublayers) implements Plan.Part {
  /** Copies the list and checks it. */
  public Block {
    sublayers = List.copyOf(sublayers);
    Bounds.atLeast("block.sublayers.size", sublayers.size(), 1);
    Bounds.distinct("sublayer.name", sublayers.stream().map(Sublayer::name).toList());
  }

  /** Returns a block of these sublayers. */
  public static Block of(Sublayer... sublayers) {
    return new Block(List.of(sublayers));
  }

  /** Returns whether any sublayer reads other rows of the sequence. */
  public boolean mixes() {
    return sublayers.stream().anyMatch(s -> s.operation().mixes());
  }

  void parameters(int index, int width, Consumer<Parameter> into) {
    for (Sublayer sublayer : sublayers) {
      sublayer.parameters("blocks." + index, width, into);
    }
  }
}
