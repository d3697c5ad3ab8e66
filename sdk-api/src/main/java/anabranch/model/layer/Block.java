package anabranch.model.layer;

import anabranch.error.Bounds;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * A run of residual sublayers: usually attention, then a feed-forward network or a mixture.
 *
 * @param sublayers in order; at least one, names distinct
 */
public record Block(List<Sublayer> sublayers) {
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

  /** Returns every operation, outer ones before those inside them. */
  public List<Operation> operations() {
    List<Operation> all = new ArrayList<>();
    sublayers.forEach(sublayer -> collect(sublayer.operation(), all));
    return all;
  }

  private static void collect(Operation operation, List<Operation> into) {
    into.add(operation);
    operation.parts().forEach(part -> collect(part, into));
  }

  /** Lists the parameters under {@code path}. */
  public void parameters(String path, int width, Consumer<Parameter> into) {
    for (Sublayer sublayer : sublayers) {
      sublayer.parameters(path, width, into);
    }
  }
}
