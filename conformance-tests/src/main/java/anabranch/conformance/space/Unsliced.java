package anabranch.conformance.space;

import anabranch.model.ModelSpec;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Parameter;
import anabranch.weights.MemoryWeights;
import anabranch.weights.Tensor;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;

/** Plain networks in the place of sliced ones, with their numbers. Stateless. */
public final class Unsliced {
  private Unsliced() {}

  /**
   * Returns a case whose networks are what sliced ones are without fusion, where weights are one.
   *
   * @param made how many slices count; the inner numbers of those behind are zero
   */
  public static Case of(Case sliced, int made) {
    ModelSpec spec =
        Rewrite.operations(
            sliced.spec(),
            operation ->
                operation instanceof Mixture.Sliced network
                    ? new FeedForward(network.inner(), network.activation(), false, network.bias())
                    : operation);
    List<Tensor> tensors = new ArrayList<>();
    for (Parameter parameter : spec.parameters()) {
      String name = parameter.name();
      tensors.add(
          sliced.weights().names().contains(name)
              ? sliced.weights().tensor(name)
              : joined(sliced, parameter, made));
    }
    return new Case("plain", spec, MemoryWeights.of(tensors), sliced.sequences());
  }

  /** Returns what slices have, one behind the other. */
  private static Tensor joined(Case sliced, Parameter parameter, int made) {
    FloatBuffer all = FloatBuffer.allocate((int) parameter.elements());
    for (int s = 0; s < made; s++) {
      String name = parameter.name().replace(".up.", ".experts." + s + ".");
      sliced.weights().tensor(name).copyTo(all);
    }
    return MemoryWeights.tensor(parameter.name(), parameter.shape(), all.array());
  }
}
