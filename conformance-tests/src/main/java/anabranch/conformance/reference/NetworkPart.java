package anabranch.conformance.reference;

import static anabranch.conformance.reference.Arithmetic.activate;
import static anabranch.conformance.reference.Arithmetic.project;

import anabranch.model.FeedForward;
import org.jspecify.annotations.Nullable;

/** A feed-forward network with its weights. */
final class NetworkPart {
  private final FeedForward network;
  private final double[][] gate;
  private final double[][] up;
  private final double[][] down;
  private final double @Nullable [] gateBias;
  private final double @Nullable [] upBias;
  private final double @Nullable [] downBias;

  NetworkPart(FeedForward network, String path, Parameters parameters) {
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
  double[] of(double[] x) {
    double[] hidden = project(up, upBias, x); // [inner]
    double[] gates = network.gated() ? project(gate, gateBias, x) : hidden; // [inner]
    for (int i = 0; i < hidden.length; i++) {
      double activated = activate(network.activation(), gates[i]);
      hidden[i] = network.gated() ? activated * hidden[i] : activated;
    }
    return project(down, downBias, hidden);
  }
}
