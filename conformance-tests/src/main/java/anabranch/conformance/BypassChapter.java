package anabranch.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;

import anabranch.conformance.space.Case;
import anabranch.conformance.space.Plans;
import anabranch.conformance.space.Shapes;
import anabranch.conformance.trial.Answered;
import anabranch.conformance.trial.Subject;
import anabranch.conformance.trial.Trial;
import anabranch.engine.Policy;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Bypass;
import anabranch.model.layer.Chain;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Operation;
import anabranch.model.layer.Recurrence;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Criterion;
import anabranch.model.plan.Head;
import anabranch.model.plan.Part;
import anabranch.model.route.Capacity;
import anabranch.model.route.Router;
import anabranch.model.route.Routers;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What rows that do not run mean for those that do. */
public interface BypassChapter extends Subject {
  /** Intent: each way of leaving, seen by the rows that stay. */
  @Test
  @Rule({"A4", "A5", "A6", "A7", "A12", "I5"})
  default void rowsThatLeftAreSeenAsTheirBypassSays() {
    for (Attention attention : List.of(Attention.causal(2, 4), Attention.full(3, 4))) {
      for (Bypass bypass :
          List.of(
              Bypass.FREEZE_PROJECT, Bypass.FREEZE_SHARE_KV, Bypass.MASK, Bypass.DEFER_RECOMPUTE)) {
        forced(leaving(attention, bypass), 91);
      }
    }
  }

  /** Intent: who stays is answered as at full depth, whoever left before. */
  @Test
  @Rule("A7")
  default void deferredRowsChangeNobodysAnswer() {
    Case drawn = Case.of(leaving(Attention.causal(2, 4), Bypass.DEFER_RECOMPUTE), 92, 9);
    Trial.of(
        this,
        drawn,
        trial -> {
          int end = drawn.exitSteps().get(3);
          List<List<Integer>> exits = List.of(List.of(0, end, 1, end, 0, 2, end, 0, end));
          Answered some = trial.forced(exits).run(drawn.sequences()).get(0);
          Answered full = trial.by(Policy.fullDepth()).run(drawn.sequences()).get(0);
          for (int row : new int[] {1, 3, 6, 8}) {
            double[] exact = new double[full.logits[row].length];
            for (int i = 0; i < exact.length; i++) {
              exact[i] = full.logits[row][i];
            }
            trial.judge.close("row " + row, exact, some.logits[row]);
          }
        });
  }

  /** Intent: a row that skips adds nothing and shows what is said, in every kind of operation. */
  @Test
  @Rule({"A13", "A14", "A15", "R4.2", "I2"})
  default void rowsThatSkipAddNothingAndShowWhatIsSaid() {
    Norm norm = new Norm.Layer(1e-5);
    Attention attention = Attention.causal(2, 4);
    Mixture mixture = new Mixture(3, FeedForward.plain(5, Activation.GELU), Routers.olmoe(2));
    Operation chain = Chain.of(Sublayer.preNorm(norm, attention), Sublayer.preNorm(norm, mixture));
    Capacity.Size half = new Capacity.Size.Share(0.5, 1, Capacity.Rounding.CEIL);
    for (Router router :
        List.of(
            Routers.mixtureOfDepthsCausal(),
            Routers.mixtureOfDepths(half),
            Routers.mindSkip(0.5))) {
      for (Operation operation :
          List.of(
              attention,
              mixture,
              new Recurrence(5, 2, 3, 2),
              new Recurrence.LinearMemory(2, 3, true),
              chain)) {
        for (Bypass keys : List.of(Bypass.MASK, Bypass.FREEZE_PROJECT, Bypass.FREEZE_SHARE_KV)) {
          full(Plans.skipping(router, operation, keys), 93);
        }
      }
    }
  }

  /** Intent: a recurrence takes its rows in order, also those that left. */
  @Test
  @Rule({"A9", "A27"})
  default void recurrencesTakeEveryRowInItsOrder() {
    for (ModelSpec spec : Shapes.incremental()) {
      if (List.of("recurring", "remembering").contains(spec.name())) {
        forced(spec, 94);
      }
    }
  }

  /** Intent: an encoder's rows, normed where they left, are all that a decoder reads of it. */
  @Test
  @Rule({"A3", "I8", "S9"})
  default void decodersReadWhatTheEncoderLeft() {
    forced(Plans.reading(), 95);
    full(Plans.reading(), 96);
  }

  /** Intent: another order of the same blocks needs no other weights. */
  @Test
  @Rule({"A10", "I9", "T7"})
  default void ordersRunTheSameWeights() {
    ModelSpec spec = Shapes.routed(Routers.mixtral(2), 4);
    List<Part> order =
        List.of(new Part.Run(1), new Part.Mean(List.of(0, 1)), new Part.Run(0), new Part.Run(1));
    ModelSpec other = spec.withPlan(spec.plan().with("other", order).choose("other"));
    assertEquals(spec.parameters(), other.parameters(), "parameters of another order");
    full(other, 97);
  }

  private static ModelSpec leaving(Attention attention, Bypass bypass) {
    Head head = Plans.head(Head.Pool.EACH);
    Criterion criterion = Criterion.confidence();
    return Plans.leaving(attention, criterion, bypass, head);
  }

  private void forced(ModelSpec spec, long seed) {
    Case drawn = Case.of(spec, seed, 9, 2, 6);
    Trial.of(
        this,
        drawn,
        trial -> {
          List<List<Integer>> exits = drawn.anyExits(seed);
          trial.judge(exits, trial.forced(exits, seed).run(drawn.sequences()));
        });
  }

  private void full(ModelSpec spec, long seed) {
    Case drawn = Case.of(spec, seed, 7, 3);
    Trial.of(
        this,
        drawn,
        trial -> {
          Policy policy = trial.halfLeave();
          trial.judge(policy, trial.by(policy).run(drawn.sequences()));
        });
  }
}
