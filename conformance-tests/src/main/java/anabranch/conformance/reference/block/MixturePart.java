package anabranch.conformance.reference.block;

import static anabranch.conformance.reference.part.Arithmetic.dot;
import static anabranch.conformance.reference.part.Arithmetic.plus;
import static anabranch.conformance.reference.part.Arithmetic.project;
import static anabranch.conformance.reference.part.Arithmetic.sigmoid;
import static anabranch.conformance.reference.part.Arithmetic.softmax;
import static anabranch.conformance.reference.part.Arithmetic.times;

import anabranch.conformance.reference.part.NetworkPart;
import anabranch.conformance.reference.part.Parameters;
import anabranch.conformance.reference.pass.Pass;
import anabranch.conformance.reference.pass.Taken;
import anabranch.conformance.reference.pass.Way;
import anabranch.conformance.reference.route.Choice;
import anabranch.conformance.reference.route.RouterPart;
import anabranch.model.layer.Mixture;
import anabranch.model.route.Placement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A mixture with its weights. */
final class MixturePart implements OperationPart {
  private final Mixture mixture;
  private final String path;
  private final RouterPart router;
  private final List<NetworkPart> experts = new ArrayList<>();
  private final List<double[][]> constantWeights = new ArrayList<>();
  private final List<double[]> constants = new ArrayList<>();
  private final double @Nullable [] constant;
  private final @Nullable NetworkPart shared;
  private final double @Nullable [] sharedScore;

  MixturePart(Mixture mixture, String path, Parameters parameters) {
    this.mixture = mixture;
    this.path = path;
    router = RouterPart.read(mixture.router(), mixture.members(), path + ".router", parameters);
    for (int e = 0; e < mixture.experts(); e++) {
      experts.add(new NetworkPart(mixture.expert(), path + ".experts." + e, parameters));
    }
    Mixture.Specials specials = mixture.specials();
    for (int c = 0; specials != null && c < specials.constants(); c++) {
      constantWeights.add(parameters.matrix(path + ".constants." + c + ".weight"));
      constants.add(parameters.vector(path + ".constants." + c + ".vector"));
    }
    constant = mixture.constant() ? parameters.vector(path + ".constant") : null;
    Mixture.Shared all = mixture.shared();
    shared = all == null ? null : new NetworkPart(all.network(), path + ".shared", parameters);
    boolean weighed = all != null && all.weighed();
    sharedScore = weighed ? parameters.vector(path + ".shared.score.weight") : null;
  }

  @Override
  public double[][] of(Pass pass, double[][] v, Way[] ways) {
    int most = mixture.router().selection().most(mixture.members());
    Taken taken = new Taken(path, most, v.length, mixture.members());
    pass.taken.add(taken);
    taken.ask(router, pass, v, ways);
    return taken.each(v, (x, choice) -> combine(x, choice, taken.ran));
  }

  /**
   * Rule R7: the weighted sum over the members that ran, in ascending index, then the constant,
   * then what every row runs, {@code [width]}.
   *
   * @param ran counts the rows that each member computed
   */
  double[] combine(double[] x, Choice choice, int[] ran) {
    double[] sum = new double[x.length];
    for (int e = 0; e < mixture.members(); e++) {
      if (choice.taken().contains(e)) {
        double gate = choice.gate(e);
        boolean scalesInput = mixture.router().placement() == Placement.INPUT;
        double[] y = scalesInput ? member(e, times(gate, x)) : times(gate, member(e, x));
        sum = plus(sum, y);
        ran[e]++;
      }
    }
    sum = constant == null ? sum : plus(sum, constant);
    if (shared == null) {
      return sum;
    }
    double weight = sharedScore == null ? 1 : sigmoid(dot(sharedScore, x));
    return plus(sum, times(weight, shared.of(x)));
  }

  /** A modulation with its weights. */
  static final class Modulated implements OperationPart {
    private final Mixture.Modulated modulated;
    private final String path;
    private final RouterPart router;
    private final List<double[][]> experts = new ArrayList<>();
    private final OperationPart operation;

    Modulated(Mixture.Modulated modulated, String path, Parameters parameters) {
      this.modulated = modulated;
      this.path = path;
      router =
          RouterPart.read(modulated.router(), modulated.experts(), path + ".router", parameters);
      for (int e = 0; e < modulated.experts(); e++) {
        experts.add(parameters.matrix(path + ".experts." + e + ".weight")); // [width, width]
      }
      String inner = modulated.operationPath(path);
      operation = OperationPart.read(modulated.operation(), inner, parameters);
    }

    @Override
    public List<String> attentions() {
      return operation.attentions();
    }

    @Override
    public double[][] of(Pass pass, double[][] v, Way[] ways) {
      int most = modulated.router().selection().most(modulated.experts());
      Taken taken = new Taken(path, most, v.length, modulated.experts());
      pass.taken.add(taken);
      taken.ask(router, pass, v, ways);
      double[][] entering = v.clone();
      for (int row = 0; row < v.length; row++) {
        Choice choice = taken.choices[row];
        if (choice != null) {
          double[] factor = factor(v[row], choice, taken.ran);
          entering[row] = new double[factor.length];
          for (int i = 0; i < factor.length; i++) {
            entering[row][i] = factor[i] * v[row][i];
          }
        }
      }
      return operation.of(pass, entering, ways);
    }

    /**
     * Rule A28: one and the weighed products with the matrices that were picked, {@code [width]}.
     */
    private double[] factor(double[] x, Choice choice, int[] ran) {
      double[] sum = new double[x.length];
      for (int e = 0; e < experts.size(); e++) {
        if (choice.taken().contains(e)) {
          sum = plus(sum, times(choice.gate(e), project(experts.get(e), null, x)));
          ran[e]++;
        }
      }
      return Arrays.stream(sum).map(each -> 1 + each).toArray();
    }
  }

  /** Rule R12: experts, then zeros, identities and constants, {@code [width]}. */
  private double[] member(int e, double[] x) {
    Mixture.Specials specials = mixture.specials();
    if (specials == null || e < experts.size()) {
      return experts.get(e).of(x);
    }
    int special = e - experts.size();
    if (special < specials.zeros()) {
      return new double[x.length];
    }
    int c = special - specials.zeros() - specials.identities();
    if (c < 0) {
      return x;
    }
    double[] share = softmax(project(constantWeights.get(c), null, x)); // [2]
    return plus(times(share[0], x), times(share[1], constants.get(c)));
  }
}
