package anabranch.conformance.reference.block;

import anabranch.conformance.reference.part.NetworkPart;
import anabranch.conformance.reference.part.Parameters;
import anabranch.conformance.reference.pass.Pass;
import anabranch.conformance.reference.pass.Way;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Chain;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Operation;
import anabranch.model.layer.Skip;
import java.util.List;

/** An operation with its weights. */
interface OperationPart {
  /**
   * Runs on the rows of a pass.
   *
   * @param v what the operation reads, {@code [rows, width]}
   * @param ways how each row passes
   * @return the result of each row that runs, {@code [rows, width]}; anything for the others
   */
  double[][] of(Pass pass, double[][] v, Way[] ways);

  /** Returns the paths of the attentions inside whose rows show keys and values, in order. */
  default List<String> attentions() {
    return List.of();
  }

  /** Reads an operation from the weights under {@code path}. */
  static OperationPart read(Operation operation, String path, Parameters parameters) {
    if (operation instanceof Attention attention) {
      return new Attending(attention, path, parameters);
    } else if (operation.remembers() > 0) {
      return Recurring.read(operation, path, parameters);
    } else if (operation instanceof Mixture mixture) {
      return new MixturePart(mixture, path, parameters);
    } else if (operation instanceof Mixture.Modulated modulated) {
      return new MixturePart.Modulated(modulated, path, parameters);
    } else if (operation instanceof Mixture.Sliced sliced) {
      return new SlicedPart(sliced, path, parameters);
    } else if (operation instanceof Skip skip) {
      return new SkipPart(skip, path, parameters);
    } else if (operation instanceof Chain.Merged merged) {
      return new MergedPart(merged, path, parameters);
    } else if (operation instanceof Chain chain) {
      return new ChainPart(chain, path, parameters);
    }
    NetworkPart network = new NetworkPart((FeedForward) operation, path, parameters);
    return (pass, v, ways) -> {
      double[][] result = new double[v.length][];
      for (int row = 0; row < v.length; row++) {
        if (ways[row] == Way.RUN) {
          result[row] = network.of(v[row]);
        }
      }
      return result;
    };
  }
}
