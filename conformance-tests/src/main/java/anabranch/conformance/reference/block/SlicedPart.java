package anabranch.conformance.reference.block;

import static anabranch.conformance.reference.part.Arithmetic.activate;
import static anabranch.conformance.reference.part.Arithmetic.dot;
import static anabranch.conformance.reference.part.Arithmetic.plus;
import static anabranch.conformance.reference.part.Arithmetic.project;

import anabranch.conformance.reference.part.Parameters;
import anabranch.conformance.reference.pass.Pass;
import anabranch.conformance.reference.pass.Taken;
import anabranch.conformance.reference.pass.Way;
import anabranch.conformance.reference.route.Choice;
import anabranch.conformance.reference.route.RouterPart;
import anabranch.model.layer.Mixture;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A sliced network with its weights. */
final class SlicedPart implements OperationPart {
  private final Mixture.Sliced sliced;
  private final String path;
  private final RouterPart router;
  private final List<double[][]> up = new ArrayList<>();
  private final List<double @Nullable []> upBias = new ArrayList<>();
  private final double[][] within;
  private final double[][] across;
  private final double @Nullable [] fusionBias;
  private final double[][] down;
  private final double @Nullable [] downBias;

  SlicedPart(Mixture.Sliced sliced, String path, Parameters parameters) {
    this.sliced = sliced;
    this.path = path;
    router = RouterPart.read(sliced.router(), sliced.slices(), path + ".router", parameters);
    for (int s = 0; s < sliced.slices(); s++) {
      String slice = path + ".experts." + s;
      up.add(parameters.matrix(slice + ".weight")); // [length, width]
      upBias.add(sliced.bias() ? parameters.vector(slice + ".bias") : null);
    }
    Mixture.Sliced.Fusion fusion = sliced.fusion();
    boolean all = fusion != null && fusion.kind() == Mixture.Sliced.Fusion.Kind.MONARCH;
    // [slices * length, length] and [length * slices, slices], one matrix behind the other
    within = fusion == null ? new double[0][] : parameters.matrix(path + ".within.weight");
    across = all ? parameters.matrix(path + ".across.weight") : new double[0][];
    boolean biased = fusion != null && fusion.bias();
    fusionBias = biased ? parameters.vector(path + ".fusion.bias") : null;
    down = parameters.matrix(path + ".down.weight");
    downBias = sliced.bias() ? parameters.vector(path + ".down.bias") : null;
  }

  @Override
  public double[][] of(Pass pass, double[][] v, Way[] ways) {
    int most = sliced.router().selection().most(sliced.slices());
    Taken taken = new Taken(path, most, v.length, sliced.slices());
    pass.taken.add(taken);
    taken.ask(router, pass, v, ways);
    return taken.each(v, (x, choice) -> network(made(x, choice, taken.ran)));
  }

  /**
   * Rule A31: the slices that a row picked, weighed and scaled, one behind the other; zero for the
   * others, {@code [slices * length]}.
   *
   * @param ran counts the rows that each slice was made for
   */
  private double[] made(double[] x, Choice choice, int[] ran) {
    double sum = 0;
    for (int s = 0; s < sliced.slices(); s++) {
      sum += choice.taken().contains(s) ? choice.gate(s) : 0;
    }
    double factor = sliced.scaling() == Mixture.Sliced.Scaling.SUM ? sliced.slices() * sum : 1;
    double[] all = new double[sliced.inner()];
    for (int s = 0; s < sliced.slices(); s++) {
      if (choice.taken().contains(s)) {
        double[] slice = project(up.get(s), upBias.get(s), x);
        for (int i = 0; i < slice.length; i++) {
          all[s * slice.length + i] = factor * choice.gate(s) * slice[i];
        }
        ran[s]++;
      }
    }
    return all;
  }

  /** Rule A31: what is fused, through the non-linearity, down to a hidden vector. */
  private double[] network(double[] all) {
    double[] fused = all;
    if (within.length > 0) {
      fused = mixed(within, fused, sliced.slices(), sliced.length(), false);
    }
    if (across.length > 0) {
      fused = mixed(across, fused, sliced.slices(), sliced.length(), true);
    }
    fused = fusionBias == null ? fused : plus(fused, fusionBias);
    double[] activated = new double[fused.length];
    for (int i = 0; i < fused.length; i++) {
      activated[i] = activate(sliced.activation(), fused[i]);
    }
    return project(down, downBias, activated);
  }

  /**
   * Multiplies the numbers of each slice, or those at each place of all slices, by the matrix of
   * the slice, or of the place.
   */
  private static double[] mixed(
      double[][] matrices, double[] all, int slices, int length, boolean across) {
    int groups = across ? length : slices;
    int each = across ? slices : length;
    double[] mixed = new double[all.length];
    for (int g = 0; g < groups; g++) {
      double[] own = new double[each];
      for (int i = 0; i < each; i++) {
        own[i] = all[across ? i * length + g : g * length + i];
      }
      for (int o = 0; o < each; o++) {
        mixed[across ? o * length + g : g * length + o] = dot(matrices[g * each + o], own);
      }
    }
    return mixed;
  }
}
