package anabranch.conformance.reference.block;

import static anabranch.conformance.reference.part.Arithmetic.activate;
import static anabranch.conformance.reference.part.Arithmetic.mean;
import static anabranch.conformance.reference.part.Arithmetic.project;
import static anabranch.conformance.reference.part.Arithmetic.times;

import anabranch.conformance.reference.part.NormPart;
import anabranch.conformance.reference.part.Parameters;
import anabranch.conformance.reference.pass.Pass;
import anabranch.conformance.reference.pass.Row;
import anabranch.conformance.reference.pass.Trail;
import anabranch.conformance.reference.pass.Way;
import anabranch.model.plan.Head;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A head with its weights. Immutable. */
public final class HeadPart {
  private final Head head;
  private final int rows;
  private final @Nullable BlockPart body;
  private final NormPart norm;
  private final double[][] hidden;
  private final double @Nullable [] hiddenBias;
  private final double[][] weight;
  private final double @Nullable [] bias;

  /**
   * Reads the weights under {@code path}.
   *
   * @param rows how many rows an item has where all are read
   */
  public HeadPart(Head head, String path, int rows, Parameters parameters) {
    this.head = head;
    this.rows = rows;
    body = head.body() == null ? null : new BlockPart(head.body(), path, 0, parameters);
    norm = new NormPart(head.norm(), path + ".norm", parameters);
    boolean deep = head.hidden() != null;
    hidden = deep ? parameters.matrix(path + ".hidden.weight") : new double[0][];
    hiddenBias = deep ? parameters.vector(path + ".hidden.bias") : null;
    weight = parameters.matrix(path + ".weight");
    bias = head.bias() ? parameters.vector(path + ".bias") : null;
  }

  /**
   * Returns what the head reads of each row, {@code [rows, width]}: the body has run on a copy of
   * them. Rows that left before are inputs of its recurrences all the same.
   *
   * @param place names this run of the head among all of the plan
   */
  public double[][] read(List<Row> rows, String place) {
    Pass.Forced free = (path, row) -> null;
    Pass pass = new Pass(rows, new Trail(null, false), place, 0, free);
    if (body == null) {
      return pass.vectors();
    }
    return body.of(pass, frozenAsInputs(pass.ways()));
  }

  private static Way[] frozenAsInputs(Way[] ways) {
    for (int row = 0; row < ways.length; row++) {
      ways[row] = ways[row] == Way.RUN ? Way.RUN : Way.PROJECT;
    }
    return ways;
  }

  /** Returns the vector of an item as its head reads it, from those of its live rows. */
  public double[] pool(List<double[]> live) {
    return pool(head.pool(), live, rows);
  }

  /**
   * Returns the vector that stands for an item, from those of its live rows.
   *
   * @param most how many rows there must be where all are read
   */
  public static double[] pool(Head.Pool pool, List<double[]> live, int most) {
    switch (pool) {
      case FIRST:
        return live.get(0);
      case LAST:
        return live.get(live.size() - 1);
      case MEAN:
        return mean(live);
      case FLATTEN:
        if (live.size() != most) {
          throw new IllegalArgumentException(
              "pool FLATTEN needs " + most + " rows, the item has " + live.size());
        }
        return live.stream().flatMapToDouble(java.util.Arrays::stream).toArray();
      default:
        throw new AssertionError(pool + " pools nothing");
    }
  }

  /** Returns the logits of a unit, {@code [outputs]}, from its vector. */
  public double[] logits(double[] x) {
    double[] h = norm.of(x);
    Head.Hidden layer = head.hidden();
    if (layer != null) {
      h = project(hidden, hiddenBias, h);
      for (int i = 0; i < h.length; i++) {
        h[i] = activate(layer.activation(), h[i]);
      }
    }
    double[] logits = project(weight, bias, h);
    return head.multiplier() == null ? logits : times(head.multiplier(), logits);
  }
}
