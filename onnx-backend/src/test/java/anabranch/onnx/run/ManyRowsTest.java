package anabranch.onnx.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import anabranch.backend.Event;
import anabranch.backend.LoadOptions;
import anabranch.backend.LoadedModel;
import anabranch.model.Embedding;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Block;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Head;
import anabranch.model.plan.Plan;
import anabranch.model.route.Routers;
import anabranch.onnx.OnnxBackend;
import anabranch.onnx.OnnxOptions;
import anabranch.onnx.Precision;
import anabranch.weights.Weights;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** So many rows for an expert that what stands between its products is placed. */
class ManyRowsTest {
  private static final int ROWS = 192;
  private static final int FEW = 8;
  private static final int FEATURES = 3;

  @Test
  void manyRowsHaveTheBitsOfFew() {
    Norm norm = new Norm.Rms(1e-5);
    Mixture mixture =
        new Mixture(2, FeedForward.gated(512, Activation.SILU), Routers.mixtral(1), true);
    ModelSpec spec =
        new ModelSpec(
            "many",
            16,
            new Input.Features(FEATURES, ROWS),
            Embedding.plain(),
            Plan.of(Block.of(Sublayer.preNorm(norm, mixture))),
            new Head(Head.Pool.EACH, norm, 5, false));
    for (Precision precision : Precision.values()) {
      LoadOptions options =
          OnnxOptions.defaults().withPrecision(precision).into(LoadOptions.defaults());
      try (Weights weights = Weights.random(spec, 7);
          LoadedModel model = new OnnxBackend().load(spec, weights, options)) {
        List<int[]> nobodyLeaves = List.of(filled(Integer.MAX_VALUE));
        float[] many = new Passes(model).run(List.of(event()), nobodyLeaves, ROWS).get(0);
        float[] few = new Passes(model).run(List.of(event()), nobodyLeaves, FEW).get(0);
        assertArrayEquals(few, many, precision.name());
      }
    }
  }

  private static int[] filled(int number) {
    int[] numbers = new int[ROWS];
    Arrays.fill(numbers, number);
    return numbers;
  }

  private static Event event() {
    SplittableRandom random = new SplittableRandom(1);
    float[] numbers = new float[ROWS * FEATURES];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = (float) random.nextDouble(-1, 1);
    }
    return Event.ofFeatures(FEATURES, numbers);
  }
}
