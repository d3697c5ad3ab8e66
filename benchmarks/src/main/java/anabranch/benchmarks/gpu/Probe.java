package anabranch.benchmarks.gpu;

import anabranch.backend.LoadOptions;
import anabranch.backend.LoadedModel;
import anabranch.backend.Numerics;
import anabranch.benchmarks.layer.Ours;
import anabranch.conformance.Kit;
import anabranch.engine.Backends;
import anabranch.error.UnsupportedModelException;
import anabranch.onnx.session.Session;
import anabranch.onnx.session.Target;
import anabranch.weights.Weights;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Asks a device whether it is there, whether a small layer comes out on it as on the CPU, and which
 * operators it has, before anything is run on it that takes long. Stateless.
 */
public final class Probe {
  private static final String DEVICE = "onnx.device";
  private static final String CUDA = "cuda:";
  private static final double NEAR = 1e-3;
  private static final String RIGHT = "are right";

  private Probe() {}

  /**
   * Asks.
   *
   * @param device such as {@code cuda:0}, or {@code cpu} for a rehearsal
   * @param out takes what is found, line by line; the last one says why where this fails
   * @return whether models run on the device that was asked for, and answer as on the CPU. That
   *     some operators run on the CPU is said, and no failure
   */
  public static boolean run(String backend, String device, Consumer<String> out) {
    Numerics numerics;
    try {
      LoadOptions options = LoadOptions.defaults().with(DEVICE, device);
      numerics = Kit.numerics(Backends.named(backend), options);
    } catch (UnsupportedModelException | IllegalStateException refused) {
      out.accept(
          "probe: "
              + device
              + " is refused: "
              + String.valueOf(refused.getMessage()).replaceAll("\\s+", " "));
      return false;
    }
    out.accept("ran " + numerics);
    if (!device.startsWith(numerics.device())) {
      out.accept("probe: " + device + " was asked for, and models run on " + numerics.device());
      return false;
    }
    List<String> wrong = new ArrayList<>();
    for (Map.Entry<String, Map<String, String>> plan : RoutedLayer.PLANS.entrySet()) {
      String found = found(backend, device, plan.getValue());
      out.accept("probe: " + plan.getKey() + " experts " + found);
      if (!found.startsWith(RIGHT)) {
        wrong.add(plan.getKey());
      }
    }
    Target target =
        numerics.device().startsWith(CUDA)
            ? new Target(Integer.parseInt(numerics.device().substring(CUDA.length())), false)
            : Session.CPU;
    Map<String, String> operators = Operators.survey(target);
    operators.forEach((operator, found) -> out.accept("operator " + operator + ": " + found));
    long runs = operators.values().stream().filter("runs"::equals).count();
    out.accept("probe: " + runs + " of " + operators.size() + " operators run on " + device);
    if (!wrong.isEmpty()) {
      out.accept("probe: wrong or refused on " + device + ": experts that are " + wrong);
    }
    return wrong.isEmpty();
  }

  /** Returns how near a plan comes to the CPU, or why it does not run. */
  private static String found(String backend, String device, Map<String, String> plan) {
    try {
      double far = distance(backend, device, plan);
      return far <= NEAR
          ? RIGHT + ", they differ by " + far + " from the CPU's"
          : "differ by " + far + " from the CPU's, more than " + NEAR + " of what they add";
    } catch (UnsupportedModelException | IllegalStateException failed) {
      return "fail: " + String.valueOf(failed.getMessage()).replaceAll("\\s+", " ");
    }
  }

  /** Returns how far what experts add is from what they add on the CPU, as a share of it. */
  private static double distance(String backend, String device, Map<String, String> plan) {
    Size size = Size.tiny();
    try (Weights weights = Size.weights(size.layer())) {
      float[] own = logits(backend, device, plan, weights, size);
      float[] other = logits(backend, "cpu", RoutedLayer.PLANS.get("single"), weights, size);
      double[] bare = Grouped.bare(size, weights, size.most());
      double apart = 0;
      double square = 0;
      for (int i = 0; i < own.length; i++) {
        apart += Math.pow(own[i] - other[i], 2);
        square += Math.pow(other[i] - bare[i], 2);
      }
      return Math.sqrt(apart / square);
    }
  }

  private static float[] logits(
      String backend, String device, Map<String, String> plan, Weights weights, Size size) {
    LoadOptions options = LoadOptions.defaults().with(DEVICE, device);
    for (Map.Entry<String, String> each : plan.entrySet()) {
      options = options.with(each.getKey(), each.getValue());
    }
    LoadedModel model = Backends.named(backend).load(size.layer(), weights, options);
    try (Ours ours = new Ours(model, size.most())) {
      return ours.result();
    }
  }
}
