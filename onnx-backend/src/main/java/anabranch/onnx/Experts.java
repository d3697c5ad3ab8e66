package anabranch.onnx;

import anabranch.onnx.graph.MemberGraphs;
import java.util.Locale;

/** How the experts of a mixture run. The host routes either way, so decisions are the same. */
public enum Experts {
  /** Each expert is a graph, and runs on its rows. The default. */
  SINGLE(MemberGraphs.Form.SINGLE),

  /**
   * Each expert is a graph, and all experts of a mixture, or all matrices of a modulation, are one
   * more: by a measured table, it runs in calls in which many experts have few rows each. A row has
   * the bits that {@link #SINGLE} gives it. Experts take twice the memory; those of a mixture with
   * more than 1 GiB stay single, and so do all in 8 bits or on a GPU, and the model's notes say so.
   */
  TOGETHER(MemberGraphs.Form.TOGETHER),

  /**
   * All experts of a mixture are one fused operator of ONNX Runtime, where there is one for them;
   * the model's notes name the mixtures that have none. A row's bits then depend on its batch. Made
   * for GPUs, on which nobody has measured it; on a CPU slower than {@link #SINGLE}.
   */
  FUSED(MemberGraphs.Form.FUSED);

  private final MemberGraphs.Form form;

  Experts(MemberGraphs.Form form) {
    this.form = form;
  }

  /** Returns what graphs are told of it. */
  MemberGraphs.Form form() {
    return form;
  }

  /** Returns the value of the setting. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
