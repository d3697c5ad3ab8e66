package anabranch.onnx.session;

import anabranch.onnx.graph.Kernels;

/**
 * Where the sessions of a load run. Immutable.
 *
 * @param device the number of a CUDA device; -1 for the CPU
 * @param strict whether no operator may run on the CPU
 */
public record Target(int device, boolean strict) {
  private static final int NONE = -1;

  /** Returns the CPU. */
  public static Target cpu() {
    return new Target(NONE, false);
  }

  /** Returns whether this is the CPU. */
  public boolean isCpu() {
    return device == NONE;
  }

  /** Returns whose operators compute there. */
  public Kernels kernels() {
    return isCpu() ? Kernels.CPU : Kernels.CUDA;
  }

  /** Returns what ONNX Runtime calls the part of it that computes. */
  public String provider() {
    return isCpu() ? "CPUExecutionProvider" : "CUDAExecutionProvider, TF32 off";
  }
}
