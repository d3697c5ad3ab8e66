package anabranch.conformance.golden.reading;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import anabranch.backend.Event;
import anabranch.conformance.golden.recorded.Batch;
import anabranch.conformance.golden.recorded.Inputs;
import anabranch.conformance.space.Sequence;
import anabranch.error.DescriptionException;
import anabranch.model.Embedding;
import anabranch.model.Encoder;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Block;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Head;
import anabranch.model.plan.Plan;
import anabranch.model.route.Capacity;
import anabranch.model.route.Capacity.Population;
import anabranch.model.route.Routers;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class VariantTest {
  private static final Capacity.Size HALF = new Capacity.Size.Share(2, 0, Capacity.Rounding.CEIL);

  /** An encoder's batch of 3 lines by 5 columns, most of it padding, and a decoder's of 3 by 2. */
  private static final Inputs INPUTS =
      new Inputs(
          new Batch(5, List.of(List.of(0), List.of(0), List.of(0))),
          List.of(new Batch(2, List.of(List.of(0, 1), List.of(0, 1), List.of(0, 1)))),
          IntStream.range(0, 3)
              .mapToObj(n -> new Sequence(Event.ofTokens(1), List.of(Event.ofTokens(1, 2))))
              .toList());

  private static ModelSpec model(Capacity.Size size, Population population) {
    Norm norm = new Norm.Rms(1e-6);
    Capacity capacity =
        new Capacity.Limited(size, population, Capacity.Priority.RANK_THEN_POSITION);
    Mixture mixture =
        new Mixture(8, FeedForward.plain(4, Activation.RELU), Routers.nllb(false, 1, capacity));
    Input input = new Input.Tokens(9, 9);
    Block read = new Block(List.of(Sublayer.preNorm(norm, mixture)));
    Block written =
        new Block(
            List.of(
                Sublayer.preNorm(norm, Attention.memory(1, 4)), Sublayer.preNorm(norm, mixture)));
    return new ModelSpec(
        "model",
        4,
        new Encoder(input, Embedding.plain(), Plan.of(read), norm),
        input,
        Embedding.plain(),
        Plan.of(written),
        new Head(Head.Pool.EACH, null, norm, null, 9, false, null));
  }

  /** Returns the sizes of the encoder's mixture and of the decoder's. */
  private static List<Capacity.Size> sizes(ModelSpec spec) {
    return List.of(size(spec.encoder().plan()), size(spec.plan()));
  }

  private static Capacity.Size size(Plan plan) {
    List<Sublayer> sublayers = plan.blocks().get(0).sublayers();
    Mixture mixture = (Mixture) sublayers.get(sublayers.size() - 1).operation();
    return ((Capacity.Limited) mixture.router().capacity()).size();
  }

  private static List<Capacity.Size> fixed(int encoder, int decoder) {
    return List.of(new Capacity.Size.Fixed(encoder), new Capacity.Size.Fixed(decoder));
  }

  @Test
  void sharesOfACallCountItsPadding() {
    ModelSpec spec = model(HALF, Population.DISPATCH);
    assertEquals(fixed(8, 3), sizes(Variant.of(spec, "cap_default.rightpad", INPUTS)));
    assertEquals(fixed(8, 3), sizes(Variant.of(spec, "decode", INPUTS)));
    assertEquals(fixed(4, 2), sizes(Variant.of(spec, "cap_quarter.rightpad", INPUTS)));
  }

  @Test
  void sizesOfALineStayTheModels() {
    ModelSpec spec = model(new Capacity.Size.Fixed(3), Population.STEP);
    assertEquals(spec, Variant.of(spec, "cap_default.full", INPUTS));
    assertEquals(spec, Variant.of(spec, "full", INPUTS));
  }

  @Test
  void wordsSayOtherSizes() {
    ModelSpec spec = model(new Capacity.Size.Fixed(3), Population.STEP);
    assertEquals(fixed(1, 1), sizes(Variant.of(spec, "cap_one.full", INPUTS)));
    assertEquals(
        fixed(Integer.MAX_VALUE, Integer.MAX_VALUE),
        sizes(Variant.of(spec, "cap_inf.rightpad", INPUTS)));
    assertThrows(DescriptionException.class, () -> Variant.of(spec, "cap_some.full", INPUTS));
  }
}
