package anabranch.onnx;

import anabranch.error.Unsupported;
import anabranch.onnx.session.Target;
import java.util.List;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * Where a model runs, given where it was to run and what a look at the device found.
 *
 * @param target where its sessions run
 * @param device the device's name in reports
 * @param refused why the model must not run at all; empty where it may
 * @param notes what a report should say about the choice
 */
record Placement(Target target, String device, List<Unsupported> refused, List<String> notes) {

  /**
   * Chooses.
   *
   * @param probe says why a CUDA device cannot be used, null if it can; asked for no other device
   *     than the one that is wanted, and not at all for the CPU
   */
  static Placement of(Device wanted, IntFunction<@Nullable String> probe) {
    if (wanted.isCpu()) {
      return new Placement(Target.cpu(), wanted.name(), List.of(), List.of());
    }
    String failure = probe.apply(wanted.number());
    if (failure == null) {
      boolean strict = wanted.demand() == Device.Demand.STRICT;
      return new Placement(
          new Target(wanted.number(), strict), wanted.name(), List.of(), List.of());
    } else if (wanted.demand() == Device.Demand.PREFERRED) {
      String note = "runs on the CPU, because " + wanted.name() + " cannot be used: " + failure;
      return new Placement(Target.cpu(), Device.cpu().name(), List.of(), List.of(note));
    }
    Unsupported reason = new Unsupported(OnnxOptions.DEVICE, wanted.name() + ": " + failure);
    return new Placement(Target.cpu(), Device.cpu().name(), List.of(reason), List.of());
  }
}
