package anabranch.conformance.reference;

import static anabranch.conformance.reference.Arithmetic.plus;
import static anabranch.conformance.reference.Arithmetic.times;

import anabranch.conformance.reference.Verdict.Choice;
import anabranch.model.Mixture;
import anabranch.model.route.Placement;
import java.util.ArrayList;
import java.util.List;

/** A mixture with its weights. */
final class MixturePart {
  final String path;
  final RouterPart router;
  private final Mixture mixture;
  private final List<NetworkPart> experts = new ArrayList<>();

  MixturePart(Mixture mixture, String path, Parameters parameters) {
    this.mixture = mixture;
    this.path = path;
    router = RouterPart.read(mixture.router(), mixture.experts(), path + ".router", parameters);
    for (int e = 0; e < mixture.experts(); e++) {
      experts.add(new NetworkPart(mixture.expert(), path + ".experts." + e, parameters));
    }
  }

  /** Returns how many experts each row sees. */
  int k() {
    return mixture.router().selection().k();
  }

  /**
   * Step 7: the weighted sum over the chosen experts, in ascending expert index, {@code [width]}.
   */
  double[] combine(double[] x, Choice choice) {
    double[] sum = new double[x.length];
    for (int e = 0; e < experts.size(); e++) {
      int at = choice.experts().indexOf(e);
      if (at >= 0) {
        double gate = choice.gates().get(at);
        boolean scalesInput = mixture.router().placement() == Placement.INPUT;
        double[] y =
            scalesInput ? experts.get(e).of(times(gate, x)) : times(gate, experts.get(e).of(x));
        sum = plus(sum, y);
      }
    }
    return sum;
  }
}
