package anabranch.onnx.member;

import anabranch.onnx.call.StageRun;
import anabranch.onnx.dispatch.Dispatch;
import anabranch.onnx.dispatch.Sums;
import java.nio.FloatBuffer;

/** The members of a mixture, loaded. Thread-safe. */
public interface Members {
  /**
   * Returns what its members make of each live row, added up.
   *
   * @param dispatch which rows each member has; at least one row is live
   * @param read what members read, by place
   * @param into where the sums stand
   */
  Sums sum(StageRun run, Dispatch dispatch, FloatBuffer read, FloatBuffer into);
}
