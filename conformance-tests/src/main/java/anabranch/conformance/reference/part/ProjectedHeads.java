package anabranch.conformance.reference.part;

import anabranch.conformance.reference.part.AttentionPart.Shown;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Norm;
import anabranch.model.layer.RoutedHeads;
import anabranch.model.position.Rotary;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Heads that are projected from the row, then normed, clipped and rotated. */
final class ProjectedHeads implements Heads {
  private final Attention attention;
  private final List<Projection> q = new ArrayList<>();
  private final Projection k;
  private final @Nullable Projection v;
  private final NormPart queryNorm;
  private final NormPart keyNorm;

  ProjectedHeads(Attention attention, String path, Parameters parameters) {
    this.attention = attention;
    boolean bias = attention.bias() != Attention.Bias.NONE;
    RoutedHeads routed = attention.routed();
    if (routed == null) {
      q.add(Projection.read(path + ".q", bias, parameters));
    } else {
      for (int e = 0; e < routed.experts(); e++) {
        q.add(Projection.read(path + ".experts." + e + ".q", bias, parameters));
      }
    }
    k = Projection.read(path + ".k", bias, parameters);
    v = attention.projections() != null ? null : Projection.read(path + ".v", bias, parameters);
    Norm norm = attention.norm() == null ? null : attention.norm().norm();
    queryNorm = new NormPart(norm, path + ".q.norm", parameters);
    keyNorm = new NormPart(norm, path + ".k.norm", parameters);
  }

  @Override
  public double[] query(int expert, double[] x, int position) {
    return rotated(clipped(normed(queryNorm, q.get(expert).of(x))), position);
  }

  @Override
  public Shown show(double[] x, int position) {
    double[] key = clipped(normed(keyNorm, k.of(x)));
    return new Shown(rotated(key, position), v == null ? new double[0] : clipped(v.of(x)));
  }

  /** Rule A19: the numbers of each head, or those of all heads, are normed together. */
  private double[] normed(NormPart norm, double[] x) {
    Attention.QueryKeyNorm described = attention.norm();
    if (described == null || described.over() == Attention.QueryKeyNorm.Over.ALL) {
      return norm.of(x);
    }
    double[] y = new double[x.length];
    int width = attention.headWidth();
    for (int from = 0; from < x.length; from += width) {
      double[] head = norm.of(Arrays.copyOfRange(x, from, from + width));
      System.arraycopy(head, 0, y, from, width);
    }
    return y;
  }

  private double[] clipped(double[] x) {
    Double most = attention.clip();
    return most == null
        ? x
        : Arrays.stream(x).map(value -> Math.max(-most, Math.min(value, most))).toArray();
  }

  private double[] rotated(double[] x, int position) {
    Rotary rotary = attention.rotary();
    return rotary == null ? x : new RotaryPart(rotary, attention.headWidth()).of(x, position);
  }
}
