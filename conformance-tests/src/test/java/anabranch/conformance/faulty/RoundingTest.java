package anabranch.conformance.faulty;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import anabranch.backend.Backend;
import anabranch.backend.LoadedModel;
import anabranch.backend.Numerics;
import anabranch.backend.StageBatch;
import anabranch.backend.StageResult;
import anabranch.conformance.reference.ReferenceBackend;
import anabranch.conformance.space.Case;
import anabranch.conformance.trial.Subject;
import anabranch.conformance.trial.Tolerance;
import anabranch.conformance.trial.Trial;
import anabranch.engine.Policy;
import anabranch.model.Embedding;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Block;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Parameter;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Head;
import anabranch.model.plan.Plan;
import anabranch.weights.MemoryWeights;
import anabranch.weights.Tensor;
import anabranch.weights.Weights;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What the judge excuses as rounding, and what it does not (rule D9). */
class RoundingTest {
  private static final int WIDTH = 8;
  private static final double USUAL = 2e-5;

  /** Every weight is off by the least that fp32 can be off. */
  private static final Backend ROUNDED =
      new Broken() {
        @Override
        Tensor change(Tensor tensor, Weights all) {
          float[] values = Faults.numbers(tensor).array();
          for (int i = 0; i < values.length; i++) {
            values[i] = i % 3 == 0 ? Math.nextUp(values[i]) : Math.nextDown(values[i]);
          }
          return MemoryWeights.tensor(tensor.name(), tensor.shape(), values);
        }
      };

  /** The usual approximation where the exact function is asked for: off by 5e-4 at most. */
  private static final Backend APPROXIMATE =
      new Rewritten() {
        @Override
        FeedForward change(FeedForward network) {
          return FeedForward.plain(network.inner(), Activation.GELU_TANH);
        }
      };

  private static Backend off(double share) {
    return new Broken() {
      @Override
      StageResult run(LoadedModel model, int stage, StageBatch batch) {
        return Told.logits(super.run(model, stage, batch), logit -> logit * (1 + share));
      }
    };
  }

  @Test
  void whatRoundingMovesFarMayBeOffAsFar() {
    assertThrows(AssertionError.class, () -> judge(ROUNDED, model(1e-3f), USUAL / 100));
    assertEquals(1, judge(ROUNDED, model(1e-3f), USUAL));
    assertEquals(0, judge(ROUNDED, model(1), USUAL));
    assertEquals(0, judge(new ReferenceBackend(), model(1e-3f), USUAL));
  }

  @Test
  void aFaultOfThatSizeIsCaughtWhereRoundingMovesNothingFar() {
    assertEquals(0, judge(APPROXIMATE, model(1), 20 * USUAL), "within the size in question");
    assertThrows(AssertionError.class, () -> judge(APPROXIMATE, model(1), USUAL));
  }

  @Test
  void nothingIsExcusedBeyondTheBoundHoweverFarRoundingMoves() {
    assertEquals(1, judge(off(1e-4), model(1e-6f), USUAL));
    assertThrows(AssertionError.class, () -> judge(off(3e-3), model(1e-6f), USUAL));
  }

  /** Returns in how many judgements the tolerance alone was not enough; fails as the judge does. */
  private static int judge(Backend backend, Case subject, double tolerance) {
    int[] amplified = new int[1];
    Subject kit =
        new Subject() {
          @Override
          public Backend backend() {
            return backend;
          }

          @Override
          public Tolerance tolerance(Numerics numerics) {
            return new Tolerance(tolerance, tolerance);
          }
        };
    Trial.of(
        kit,
        subject,
        trial -> {
          Policy full = Policy.fullDepth();
          trial.judge(full, trial.by(full).run(subject.sequences()));
          amplified[0] = trial.judge.amplified();
        });
    return amplified[0];
  }

  /** Rows are the small differences of a token's vector and a position's, normed. */
  private static Case model(float difference) {
    Norm norm = new Norm.Rms(1e-30);
    ModelSpec spec =
        new ModelSpec(
            "differences",
            WIDTH,
            new Input.Tokens(5, 6),
            new Embedding(true, null, norm),
            Plan.of(Block.of(Sublayer.preNorm(norm, FeedForward.plain(WIDTH, Activation.GELU)))),
            new Head(Head.Pool.EACH, norm, 3, false));
    Case drawn = Case.of(spec, 5, 6, 2);
    List<Tensor> tensors = new ArrayList<>();
    for (Parameter parameter : spec.parameters()) {
      Tensor tensor = drawn.weights().tensor(parameter.name());
      boolean token = parameter.name().equals("embedding.tokens");
      if (token || parameter.name().equals("embedding.positions")) {
        float[] values = Faults.numbers(tensor).array();
        for (int i = 0; i < values.length; i++) {
          values[i] = (token ? 1 : -1) + difference * values[i];
        }
        tensor = MemoryWeights.tensor(parameter.name(), parameter.shape(), values);
      }
      tensors.add(tensor);
    }
    return drawn.with(MemoryWeights.of(tensors));
  }
}
