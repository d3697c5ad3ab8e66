package anabranch.conformance.reference.block;

import static anabranch.conformance.reference.part.Arithmetic.plus;
import static anabranch.conformance.reference.part.Arithmetic.times;

import anabranch.conformance.reference.part.Parameters;
import anabranch.conformance.reference.pass.Pass;
import anabranch.conformance.reference.pass.Way;
import anabranch.model.layer.Chain;
import java.util.List;

/** A chain with its weights: its result is what its sublayers add. */
final class ChainPart implements OperationPart {
  private final List<SublayerPart> sublayers;

  ChainPart(Chain chain, String path, Parameters parameters) {
    sublayers = SublayerPart.of(chain.sublayers(), path, parameters);
  }

  @Override
  public double[][] of(Pass pass, double[][] v, Way[] ways) {
    double[][] y = v;
    for (SublayerPart sublayer : sublayers) {
      y = sublayer.pass(pass, y, ways);
    }
    double[][] added = new double[v.length][];
    for (int row = 0; row < v.length; row++) {
      added[row] = plus(y[row], times(-1, v[row]));
    }
    return added;
  }

  @Override
  public List<String> attentions() {
    return sublayers.stream().flatMap(s -> s.operation.attentions().stream()).toList();
  }
}
