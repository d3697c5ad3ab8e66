package anabranch.engine.metrics;

import anabranch.backend.Trace;
import anabranch.engine.EngineListener.Batch;
import anabranch.engine.EngineListener.Share;
import anabranch.engine.EngineListener.Work;
import anabranch.engine.Scripts;
import anabranch.engine.schedule.Schedule;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Bypass;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Mixture;
import anabranch.model.plan.Head;
import anabranch.model.plan.Plan;
import anabranch.model.route.Routers;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.BitSet;
import java.util.List;

/** Batches as an engine tells of them, made by hand. */
final class Batches {
  static final String LAYER = "blocks.0.mixture";

  private Batches() {}

  /** Four experts and behind them a member that answers zero and two that answer their input. */
  static ModelSpec mixture() {
    Mixture mixture =
        new Mixture(4, FeedForward.plain(3, Activation.RELU), Routers.longcat(2, 6))
            .withSpecials(new Mixture.Specials(1, 2, 0));
    return Scripts.spec(Head.Pool.EACH, Plan.builder().add(Scripts.block(mixture)).build());
  }

  /** Three mixtures of four experts, with an exit behind each of the first two. */
  static ModelSpec mixtureWithExit() {
    Mixture mixture =
        new Mixture(4, FeedForward.plain(3, Activation.RELU), Routers.mixtral(1), false);
    return Scripts.exits(mixture, Head.Pool.EACH, Bypass.TERMINATE);
  }

  /** Rows of 10 flops each that run for an answer of their own. */
  static Batch own(int rows, Trace trace, BitSet aside) {
    Share none = new Share(0, 0);
    Work work = new Work(new Share(rows, 10L * rows), none, none, none, 7, 0, aside);
    return batch(rows, 0, work, trace);
  }

  static Batch batch(int live, int frozen, Work work, Trace trace) {
    return new Batch(
        "script",
        0,
        Schedule.Reason.NEXT,
        2_000_000,
        1,
        live,
        frozen,
        work.fills().rows(),
        live,
        0,
        0,
        0,
        0,
        0,
        work,
        4_000_000,
        trace);
  }

  /** Says that rows picked these members, two each. */
  static Trace picks(int... members) {
    return new Trace(
        List.of(
            new Trace.Choices(
                LAYER,
                0,
                2,
                IntBuffer.wrap(members),
                FloatBuffer.allocate(members.length),
                IntBuffer.allocate(0))));
  }
}
