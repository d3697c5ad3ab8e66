package anabranch.conformance.reference;

import static anabranch.conformance.reference.Arithmetic.plus;

import anabranch.model.Attention;
import anabranch.model.Block;
import anabranch.model.FeedForward;
import anabranch.model.Mixture;
import anabranch.model.Sublayer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A residual sublayer with its weights: exactly one of the three operations is there. */
final class SublayerPart {
  final @Nullable AttentionPart attention;
  final @Nullable MixturePart mixture;
  private final @Nullable NetworkPart network;
  private final NormPart before;
  private final NormPart after;
  private final NormPart afterSum;

  private SublayerPart(Sublayer sublayer, String path, Parameters parameters) {
    before = new NormPart(sublayer.before(), path + ".before", parameters);
    after = new NormPart(sublayer.after(), path + ".after", parameters);
    afterSum = new NormPart(sublayer.afterSum(), path + ".afterSum", parameters);
    attention =
        sublayer.operation() instanceof Attention described
            ? new AttentionPart(described, path, parameters)
            : null;
    mixture =
        sublayer.operation() instanceof Mixture described
            ? new MixturePart(described, path, parameters)
            : null;
    network =
        sublayer.operation() instanceof FeedForward described
            ? new NetworkPart(described, path, parameters)
            : null;
  }

  /** Returns the sublayers of a block, in order. */
  static List<SublayerPart> of(Block block, int index, Parameters parameters) {
    List<SublayerPart> parts = new ArrayList<>();
    for (Sublayer sublayer : block.sublayers()) {
      parts.add(new SublayerPart(sublayer, "blocks." + index + "." + sublayer.name(), parameters));
    }
    return parts;
  }

  /** Returns what the operation reads of a row, {@code [width]}. */
  double[] input(double[] x) {
    return before.of(x);
  }

  /** Returns the feed-forward network's result for what {@link #input} returned. */
  double[] network(double[] input) {
    if (network == null) {
      throw new AssertionError("not a feed-forward sublayer");
    }
    return network.of(input);
  }

  /** Returns the row behind this sublayer, {@code [width]}, from the operation's result. */
  double[] behind(double[] x, double[] result) {
    return afterSum.of(plus(x, after.of(result)));
  }
}
