package anabranch.conformance.faulty;

import anabranch.backend.Backend;
import anabranch.backend.LoadOptions;
import anabranch.backend.LoadedModel;
import anabranch.backend.Numerics;
import anabranch.backend.StageBatch;
import anabranch.backend.StageResult;
import anabranch.backend.Trace;
import anabranch.conformance.BackendConformance;
import anabranch.model.ModelSpec;
import anabranch.weights.Weights;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;

/** The kit asks a backend that promises a tolerance for no bits. */
class NoisyConformanceTest extends BackendConformance {
  @Override
  public Backend backend() {
    return new Noisy();
  }

  @Override
  public int cases() {
    return 8;
  }

  /** Right, but for the last bit of numbers, which differs from call to call as a seed draws. */
  private static final class Noisy extends Broken {
    /** Numbers of that few bits come out of exact sums, in any order. */
    private static final int SHORT = (1 << 12) - 1;

    private final AtomicLong calls = new AtomicLong();

    @Override
    public LoadedModel load(ModelSpec spec, Weights weights, LoadOptions options) {
      return new Model(spec, reference.load(spec, weights, options)) {
        @Override
        public Numerics numerics() {
          Numerics exact = super.numerics();
          return new Numerics(
              Numerics.Kind.TOLERANT,
              exact.absolute(),
              exact.relative(),
              exact.device(),
              "fp32",
              exact.notes());
        }
      };
    }

    @Override
    StageResult run(LoadedModel model, int stage, StageBatch batch) {
      SplittableRandom random = new SplittableRandom(calls.incrementAndGet());
      StageResult result = super.run(model, stage, batch);
      FloatBuffer scores = noisy(result.scores(), random);
      List<Trace.Choices> choices = new ArrayList<>();
      for (Trace.Choices told : result.trace().choices()) {
        choices.add(
            new Trace.Choices(
                told.path(),
                told.visit(),
                told.k(),
                told.experts(),
                noisy(told.gates(), random),
                told.ran()));
      }
      return new Told(result) {
        @Override
        public FloatBuffer scores() {
          return scores.duplicate();
        }

        @Override
        public Trace trace() {
          return new Trace(choices);
        }

        @Override
        public void output(int[] units, ByteBuffer into) {
          int start = into.position();
          super.output(units, into);
          for (int at = start; at < into.position(); at += 4) {
            into.putFloat(at, noisy(into.getFloat(at), random));
          }
        }
      };
    }

    private static FloatBuffer noisy(FloatBuffer numbers, SplittableRandom random) {
      float[] noisy = new float[numbers.remaining()];
      for (int i = 0; i < noisy.length; i++) {
        noisy[i] = noisy(numbers.get(numbers.position() + i), random);
      }
      return FloatBuffer.wrap(noisy);
    }

    private static float noisy(float number, SplittableRandom random) {
      if (!Float.isFinite(number) || (Float.floatToIntBits(number) & SHORT) == 0) {
        return number;
      }
      return switch (random.nextInt(3)) {
        case 0 -> Math.nextUp(number);
        case 1 -> Math.nextDown(number);
        default -> number;
      };
    }
  }
}
