package anabranch.conformance.reference.part;

import static anabranch.conformance.reference.part.Arithmetic.activate;
import static anabranch.conformance.reference.part.Arithmetic.project;

import anabranch.model.layer.FeedForward;
import org.jspecify.annotations.Nullable;

/** A feed-forward network with its weights. */
public final class NetworkPart {
  private final FeedForward network;
  private final double[][] gate;
  private final double[][] up;
  private final double[][] down;
  private final double @Nullable [] gateBias;
  private final double @Nullable [] upBias;
  private final double @Nullable [] downBias;

  /** Reads the weights under {@code path}. */
  public NetworkPart(FeedForward network, String path, Parameters parameters) {
    this.network = network;
    boolean bias = network.bias();
    gate = network.gated() ? parameters.matrix(path + ".gate.weight") : new double[0][];
    gateBias = network.gated() && bias ? parameters.vector(path + ".gate.bias") : null;
    up = parameters.matrix(path + ".up.weight");
    upBias = bias ? parameters.vector(path + ".up.bias") : null;
    down = parameters.matrix(path + ".down.weight");
    downBias = bias ? parameters.vector(path + ".down.bias") : null;
  }

  /** Returns the network's result for one row: {@code [width]} to {@code [width]}. */
  public double[] of(double[] x) {
    double[] hidden = project(up, upBias, x); // [inner]
    double[] gates = network.gated() ? project(gate, gateBias, x) : hidden; // [inner]
    Double limit = network.limit();
    for (int i = 0; i < hidden.length; i++) {
      double gate = limit == null ? gates[i] : Math.min(gates[i], limit);
      double value = limit == null ? hidden[i] : 1 + clamp(hidden[i], limit);
      double activated = activate(network.activation(), gate);
      hidden[i] = network.gated() ? activated * value : activated;
    }
    return project(down, downBias, hidden);
  }

  private static double clamp(double x, double limit) {
    return Math.max(-limit, Math.min(x, limit));
  }
}
