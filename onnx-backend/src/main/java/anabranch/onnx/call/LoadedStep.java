package anabranch.onnx.call;

/** A step with its sessions. Thread-safe. */
public interface LoadedStep {
  /** Runs the rows of a run through this step. */
  void take(StageRun run);
}
