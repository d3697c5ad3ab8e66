package anabranch.onnx.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.Backend;
import anabranch.backend.Event;
import anabranch.backend.LoadOptions;
import anabranch.backend.LoadedModel;
import anabranch.backend.SequenceState;
import anabranch.backend.StateImage;
import anabranch.conformance.Kit;
import anabranch.error.Unsupported;
import anabranch.error.UnsupportedModelException;
import anabranch.model.ModelSpec;
import anabranch.onnx.KeptNumbers;
import anabranch.onnx.Models;
import anabranch.onnx.OnnxBackend;
import anabranch.onnx.OnnxOptions;
import anabranch.weights.Weights;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Keys and values that are kept in 16 bits. */
class KeptNumbersTest {
  private static final OnnxOptions HALVES = OnnxOptions.defaults().withState(KeptNumbers.FP16);

  /** This backend, told so whatever else it is asked for. */
  private static final class InHalves implements Backend {
    private final OnnxBackend onnx = new OnnxBackend();

    @Override
    public String name() {
      return onnx.name();
    }

    @Override
    public List<Unsupported> check(ModelSpec spec, LoadOptions options) {
      return onnx.check(spec, HALVES.into(options));
    }

    @Override
    public LoadedModel load(ModelSpec spec, Weights weights, LoadOptions options) {
      return onnx.load(spec, weights, HALVES.into(options));
    }
  }

  /** Within the tolerance that the model states, and with the same bits on every way. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "eventsOfOneSequenceAnswerAsTheOracle",
        "aSequenceThatTravelsAsImagesGivesTheSameBits",
        "aForkNeitherSeesNorChangesItsOrigin",
        "whatNoLaterRowReadsIsLetGo",
        "stepByStepIsOneCall"
      })
  void answersStayWithinWhatIsStatedOfThem(String test) {
    assertEquals(
        new Kit.Outcome(Kit.Result.PASSED, ""), Kit.run(new InHalves(), test), "with fp16");
  }

  @Test
  void imagesAreHalfAsLargeAndAnswersDiffer() {
    int[] tokens = new int[200];
    Arrays.setAll(tokens, i -> 7 * i % 31);
    try (LoadedModel whole = load(OnnxOptions.defaults());
        LoadedModel half = load(HALVES);
        SequenceState exact = whole.newState(null);
        SequenceState rounded = half.newState(null)) {
      float[] expected = Feeding.of(whole, exact, Event.ofTokens(tokens)).logits;
      float[] actual = Feeding.of(half, rounded, Event.ofTokens(tokens)).logits;
      assertFalse(Arrays.equals(expected, actual), "keys and values are rounded");
      assertArrayEquals(expected, actual, 1e-2f);
      StateImage large = exact.image(0);
      StateImage small = rounded.image(0);
      // Beside keys and values there are positions and the head, of 4 bytes each.
      long rest = 4 * (2 * 200 + 2);
      assertEquals((large.bytes() - rest) / 2, small.bytes() - rest);
      assertThrows(IllegalArgumentException.class, () -> whole.restore(small));
      assertThrows(IllegalArgumentException.class, () -> half.restore(large));
      assertTrue(half.numerics().notes().contains("sequences keep keys and values in fp16"));
      assertEquals(1e-2, half.numerics().absolute());
    }
  }

  @Test
  void otherNumbersAreRefused() {
    LoadOptions odd = LoadOptions.defaults().with("onnx.state", "int3");
    UnsupportedModelException refused =
        assertThrows(
            UnsupportedModelException.class,
            () -> new OnnxBackend().load(Models.causal(), Weights.random(Models.causal(), 5), odd));
    assertTrue(
        refused.getMessage().contains("onnx.state \"int3\" is not one of [fp32, fp16]"),
        refused.getMessage());
  }

  private static LoadedModel load(OnnxOptions options) {
    ModelSpec spec = Models.causal();
    return new OnnxBackend()
        .load(spec, Weights.random(spec, 5), options.into(LoadOptions.defaults()));
  }
}
