package anabranch.conformance.reference.block;

import static anabranch.conformance.reference.part.Arithmetic.plus;
import static anabranch.conformance.reference.part.Arithmetic.times;

import anabranch.conformance.reference.part.NormPart;
import anabranch.conformance.reference.part.Parameters;
import anabranch.conformance.reference.pass.Pass;
import anabranch.conformance.reference.pass.Way;
import anabranch.model.layer.Sublayer;
import java.util.ArrayList;
import java.util.List;

/** A residual sublayer with its weights. */
final class SublayerPart {
  final OperationPart operation;
  private final NormPart before;
  private final NormPart after;
  private final NormPart afterSum;
  private final double multiplier;

  private SublayerPart(Sublayer sublayer, String path, Parameters parameters) {
    before = new NormPart(sublayer.before(), path + ".before", parameters);
    operation = OperationPart.read(sublayer.operation(), path, parameters);
    after = new NormPart(sublayer.after(), path + ".after", parameters);
    afterSum = new NormPart(sublayer.afterSum(), path + ".afterSum", parameters);
    multiplier = sublayer.multiplier() == null ? 1 : sublayer.multiplier();
  }

  /** Reads sublayers in order. */
  static List<SublayerPart> of(List<Sublayer> sublayers, String path, Parameters parameters) {
    List<SublayerPart> parts = new ArrayList<>();
    for (Sublayer sublayer : sublayers) {
      parts.add(new SublayerPart(sublayer, path + "." + sublayer.name(), parameters));
    }
    return parts;
  }

  /**
   * Returns the rows behind this sublayer, {@code x <- afterSum(x + m *
   * after(operation(before(x))))}; rows that do not run stay as they are.
   *
   * @param x {@code [rows, width]}, not changed
   */
  double[][] pass(Pass pass, double[][] x, Way[] ways) {
    double[][] v = new double[x.length][];
    for (int row = 0; row < x.length; row++) {
      v[row] = before.of(x[row]);
    }
    double[][] result = operation.of(pass, v, ways);
    double[][] behind = x.clone();
    for (int row = 0; row < x.length; row++) {
      if (ways[row] == Way.RUN) {
        behind[row] = afterSum.of(plus(x[row], times(multiplier, after.of(result[row]))));
      }
    }
    return behind;
  }
}
