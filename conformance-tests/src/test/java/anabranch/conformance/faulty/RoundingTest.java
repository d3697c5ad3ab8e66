package anabranch.conformance.faulty;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.Backend;
import anabranch.backend.LoadOptions;
import anabranch.backend.LoadedModel;
import anabranch.backend.Numerics;
import anabranch.backend.StageBatch;
import anabranch.backend.StageResult;
import anabranch.conformance.Kit;
import anabranch.conformance.reference.ReferenceBackend;
import anabranch.conformance.report.Fuzz;
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
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

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

  /**
   * Multiplies by matrices of numbers so many to a power of two, or to the greatest of a column,
   * and declares a type.
   */
  private static Backend rounded(String type, double steps, boolean ofColumn) {
    return new Broken() {
      @Override
      Tensor change(Tensor tensor, Weights all) {
        if (!tensor.name().endsWith(".weight") || tensor.shape().size() < 2) {
          return tensor;
        }
        float[] values = Faults.numbers(tensor).array();
        int in = tensor.shape().get(1);
        for (int from = 0; from < values.length; from += in) {
          double greatest = 0;
          for (int i = from; i < from + in; i++) {
            greatest = Math.max(greatest, Math.abs(values[i]));
          }
          for (int i = from; i < from + in; i++) {
            double unit = ofColumn ? greatest : Math.scalb(1.0, Math.getExponent(values[i]));
            values[i] = (float) (Math.rint(values[i] / unit * steps) * unit / steps);
          }
        }
        return MemoryWeights.tensor(tensor.name(), tensor.shape(), values);
      }

      @Override
      public LoadedModel load(ModelSpec spec, Weights weights, LoadOptions options) {
        return new Model(spec, super.load(spec, weights, options)) {
          @Override
          public Numerics numerics() {
            return new Numerics(Numerics.Kind.TOLERANT, 1, 1, "cpu", type, List.of());
          }
        };
      }
    };
  }

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

  @ParameterizedTest
  @CsvSource({"fp16, 1024, false", "bf16, 128, false", "int8, 64, true"})
  void numbersAreJudgedByTheRoundingOfTheTypeThatIsDeclared(
      String type, double steps, boolean ofColumn) {
    double narrow = 0.125 / steps;
    assertEquals(1, judge(rounded(type, steps, ofColumn), model(1), narrow));
    assertThrows(
        AssertionError.class, () -> judge(rounded("fp32", steps, ofColumn), model(1), narrow));
    double wide = 4 / steps;
    assertEquals(0, judge(rounded(type, steps, ofColumn), model(1), wide));
    AssertionError wrong =
        assertThrows(
            AssertionError.class, () -> judge(rounded(type, steps / 32, ofColumn), model(1), wide));
    assertTrue(String.valueOf(wrong.getMessage()).contains("shifts it by"), wrong.getMessage());
  }

  @Test
  void numbersOfAnUnknownTypeAreRefusedBeforeAnythingIsJudged() {
    for (String type : List.of("fp8", "")) {
      Backend unknown = rounded(type, 8, false);
      for (Executable run :
          List.<Executable>of(
              () -> Fuzz.run(unknown, LoadOptions.defaults(), 0, 1),
              () -> Kit.run(unknown, LoadOptions.defaults()))) {
        String refusal = assertThrows(IllegalArgumentException.class, run).getMessage();
        assertTrue(
            refusal.startsWith(
                "numerics.type \"" + type + "\" is not one of fp64, fp32, fp16, bf16, int8: "),
            refusal);
      }
    }
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
