package anabranch.conformance.faulty;

import anabranch.backend.Backend;
import anabranch.weights.MemoryWeights;
import anabranch.weights.Tensor;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;

/** Every fault, and the test of the kit that must reject it. */
public final class Faults {
  private Faults() {}

  /**
   * One way to be wrong.
   *
   * @param name what is wrong, in words
   * @param backend a backend with this fault and no other
   * @param rejectedBy the tests of the kit that must fail, by name, and systems by their rows
   */
  public record Fault(String name, Backend backend, List<String> rejectedBy) {}

  static Fault fault(String name, Backend backend, String... rejectedBy) {
    return new Fault(name, backend, List.of(rejectedBy));
  }

  /** Returns all faults. */
  public static List<Fault> all() {
    List<Fault> all = new ArrayList<>();
    all.addAll(ArithmeticFaults.all());
    all.addAll(RoutingFaults.all());
    all.addAll(Rerouted.all());
    all.addAll(LeavingFaults.all());
    all.addAll(RowFaults.all());
    all.addAll(StateFaults.all());
    all.addAll(BatchFaults.all());
    all.addAll(LifecycleFaults.all());
    return all;
  }

  static FloatBuffer numbers(Tensor tensor) {
    FloatBuffer values = FloatBuffer.allocate((int) tensor.elements());
    tensor.copyTo(values);
    return values.flip();
  }

  static Tensor zero(Tensor like) {
    return MemoryWeights.tensor(like.name(), like.shape(), new float[(int) like.elements()]);
  }

  static Tensor named(String name, Tensor tensor) {
    return new Tensor(name, tensor.type(), tensor.shape(), tensor.bytes());
  }
}
