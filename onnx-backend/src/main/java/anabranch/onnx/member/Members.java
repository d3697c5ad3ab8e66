package anabranch.onnx.member;

import anabranch.onnx.call.StageRun;
import anabranch.onnx.dispatch.Dispatch;
import anabranch.onnx.dispatch.Sums;
import java.nio.FloatBuffer;

/** The members of a mixture, loaded. Thread-safe. */
public interface Members {
  /**
   * Adds up what its members make of each live row.
   *
   * @param dispatch which rows each member has; at least one row is live
   * @param read what members read, by place
   * @param sums of live rows, which nobody else adds to
   */
  void add(StageRun run, Dispatch dispatch, FloatBuffer read, Sums sums);
}
