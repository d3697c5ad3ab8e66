package anabranch.benchmarks.stage;

import anabranch.backend.Activations;
import anabranch.backend.Event;
import anabranch.backend.LoadOptions;
import anabranch.backend.LoadedModel;
import anabranch.backend.Rows;
import anabranch.backend.Span;
import anabranch.backend.Stage;
import anabranch.backend.StageBatch;
import anabranch.backend.StageResult;
import anabranch.benchmarks.measure.Contest;
import anabranch.benchmarks.measure.Finding;
import anabranch.benchmarks.measure.Memory;
import anabranch.benchmarks.measure.Report;
import anabranch.engine.Backends;
import anabranch.model.Embedding;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Block;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Head;
import anabranch.model.plan.Plan;
import anabranch.weights.Weights;
import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Map;

/**
 * What a step of one row through one tiny layer costs over a bare call of its kernel with tensors
 * made beforehand: time, bytes on the heap, and buffers made once everything is warm.
 */
public final class Steps {
  private static final int WIDTH = 16;
  private static final int CALLS = 2000;
  private static final int WARM_UPS = 50;
  private static final double MICROS = 2;
  private static final double BYTES = 200;

  private Steps() {}

  /** Measures; each round is so many calls. */
  public static void run(String backend, int rounds, Report report) {
    ModelSpec spec = spec();
    try (Weights weights = Weights.random(spec, 1);
        Kernels kernels = new Kernels(spec, weights, 1);
        LoadedModel model = Backends.named(backend).load(spec, weights, LoadOptions.defaults())) {
      kernels.prepare(1);
      Stage stage = model.stages().get(0);
      Event[] events = {Event.ofTokens(0)};
      Rows rows = new Rows(events, new Activations[1], new int[1], new int[1], new byte[1]);
      StageBatch batch = new StageBatch(0, List.of(new Span(null, rows)), false);
      Runnable ours = () -> repeat(() -> step(stage, batch));
      Runnable bare = () -> repeat(kernels::run);
      Map<String, Contest.Times> times =
          new Contest().side("ours", ours).side("bare", bare).run(WARM_UPS, rounds);
      long made = Memory.directBytes(model);
      double oursBytes = allocated(ours) / (double) CALLS;
      double bareBytes = allocated(bare) / (double) CALLS;
      long[] busy = times.get("ours").busy();
      long[] floor = times.get("bare").busy();
      double[] share = new double[busy.length];
      for (int round = 0; round < share.length; round++) {
        share[round] = 1000 * MICROS * CALLS / Math.max(1, busy[round] - floor[round]);
      }
      report.note(
          "step: ours %.2f us, bare %.2f us; heap: ours %.0f bytes, bare %.0f bytes; direct memory"
              + " made in %d steps once warm: %d bytes",
          times.get("ours").busyMedian() / 1e3 / CALLS,
          times.get("bare").busyMedian() / 1e3 / CALLS,
          oursBytes,
          bareBytes,
          CALLS,
          Memory.directBytes(model) - made);
      report.finding(Finding.of("step.2 us/what a step adds", share).atLeast(1));
      double[] bytes = {BYTES / Math.max(1, oursBytes - bareBytes)};
      report.finding(Finding.of("step.200 bytes/what a step adds", bytes).atLeast(1));
    }
  }

  private static ModelSpec spec() {
    Block layer =
        Block.of(Sublayer.preNorm(new Norm.Rms(1e-5), FeedForward.plain(WIDTH, Activation.RELU)));
    Head head = new Head(Head.Pool.EACH, null, 1, false);
    Input input = new Input.Tokens(1, 1);
    return new ModelSpec("step", WIDTH, input, Embedding.plain(), Plan.of(layer), head);
  }

  private static void step(Stage stage, StageBatch batch) {
    try (StageResult result = stage.run(batch);
        Activations rows = result.rows()) {
      if (rows.bytes() == 0) {
        throw new AssertionError("no rows");
      }
    }
  }

  private static void repeat(Runnable call) {
    for (int i = 0; i < CALLS; i++) {
      call.run();
    }
  }

  private static long allocated(Runnable work) {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long before = threads.getCurrentThreadAllocatedBytes();
    work.run();
    return threads.getCurrentThreadAllocatedBytes() - before;
  }
}
