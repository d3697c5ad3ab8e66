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
