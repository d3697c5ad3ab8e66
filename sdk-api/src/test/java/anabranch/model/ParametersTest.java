package anabranch.model;

import static anabranch.Refusals.assertRefused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import anabranch.model.route.Preference;
import anabranch.model.route.Routers;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

class ParametersTest {
  private static final Norm LAYER = new Norm.Layer(1e-5);
  private static final Norm RMS = new Norm.Rms(1e-6);

  @Test
  void smallModelNeedsWhatAHandCounts() {
    Attention attention = Attention.causal(2, 3).withKeyValueHeads(1).withBias();
    FeedForward expert = FeedForward.gated(5, Activation.SILU).withBias();
    ModelSpec spec =
        new ModelSpec(
            "small",
            4,
            new Input.Tokens(10, 7),
            new Embedding(true, new Embedding.Ngrams(List.of(2), 8, 3, 0), LAYER),
            new Plan(
                List.of(
                    Block.of(new Sublayer("mixer", LAYER, attention, RMS, LAYER)),
                    new Exit(
                        "early",
                        new Head(Head.Pool.EACH, RMS, 6, true),
                        Exit.Criterion.confidence(),
                        Exit.Bypass.FREEZE_PROJECT),
                    Block.of(Sublayer.preNorm(RMS, new Mixture(2, expert, Routers.gptOss(1)))))),
            new Head(Head.Pool.EACH, null, 6, false));
    List<String> expected =
        List.of(
            "embedding.tokens [10, 4]",
            "embedding.positions [7, 4]",
            "embedding.ngrams.2 [8, 3]",
            "embedding.ngrams.projection [4, 3]",
            "embedding.norm.weight [4]",
            "embedding.norm.bias [4]",
            "blocks.0.mixer.before.weight [4]",
            "blocks.0.mixer.before.bias [4]",
            "blocks.0.mixer.q.weight [6, 4]",
            "blocks.0.mixer.q.bias [6]",
            "blocks.0.mixer.k.weight [3, 4]",
            "blocks.0.mixer.k.bias [3]",
            "blocks.0.mixer.v.weight [3, 4]",
            "blocks.0.mixer.v.bias [3]",
            "blocks.0.mixer.o.weight [4, 6]",
            "blocks.0.mixer.o.bias [4]",
            "blocks.0.mixer.after.weight [4]",
            "blocks.0.mixer.afterSum.weight [4]",
            "blocks.0.mixer.afterSum.bias [4]",
            "exits.early.norm.weight [4]",
            "exits.early.weight [6, 4]",
            "exits.early.bias [6]",
            "blocks.1.mixture.before.weight [4]",
            "blocks.1.mixture.router.weight [2, 4]",
            "blocks.1.mixture.router.bias [2]",
            "blocks.1.mixture.experts.0.gate.weight [5, 4]",
            "blocks.1.mixture.experts.0.gate.bias [5]",
            "blocks.1.mixture.experts.0.up.weight [5, 4]",
            "blocks.1.mixture.experts.0.up.bias [5]",
            "blocks.1.mixture.experts.0.down.weight [4, 5]",
            "blocks.1.mixture.experts.0.down.bias [4]",
            "blocks.1.mixture.experts.1.gate.weight [5, 4]",
            "blocks.1.mixture.experts.1.gate.bias [5]",
            "blocks.1.mixture.experts.1.up.weight [5, 4]",
            "blocks.1.mixture.experts.1.up.bias [5]",
            "blocks.1.mixture.experts.1.down.weight [4, 5]",
            "blocks.1.mixture.experts.1.down.bias [4]",
            "head.weight [6, 4]");
    assertEquals(expected, names(spec.parameters()));
    // 112 embedding, 8 + 24+6 + 2*(12+3) + 24+4 + 4 + 8 attention, 34 exit,
    // 4 + 8+2 + 2*(20+5 + 20+5 + 20+4) mixture, 24 head
    assertEquals(112 + 108 + 34 + 162 + 24, elements(spec));
  }

  @Test
  void featuresAreProjectedWithABias() {
    assertEquals(
        List.of(
            "embedding.features.weight [4, 3]",
            "embedding.features.bias [4]",
            "blocks.0.mlp.up.weight [8, 4]",
            "blocks.0.mlp.down.weight [4, 8]",
            "head.weight [2, 4]"),
        names(SampleSpecs.features().parameters()));
  }

  @Test
  void routersBringTheirOwnWeights() {
    FeedForward expert = FeedForward.plain(3, Activation.RELU);
    Preference.Groups groups = new Preference.Groups(2, 1, 1, false);
    assertEquals(
        List.of("m.router.weight [4, 5]", "m.router.correction [4]"),
        names(parameters(new Mixture(4, expert, Routers.deepseekV3(1, groups, 1)))).subList(0, 2));
    assertEquals(
        "m.experts.0.up.weight [3, 5]",
        names(parameters(new Mixture(4, expert, Routers.hash(1)))).get(0));
  }

  @Test
  void byteModelHasFiveMillionParameters() {
    assertEquals(5_278_336, elements(SampleSpecs.bytes()));
  }

  @Test
  void fewWordsDoNotAskForUnboundedLists() {
    FeedForward expert = FeedForward.gated(1, Activation.SILU);
    Block block = Block.of(Sublayer.preNorm(RMS, new Mixture(65_536, expert, Routers.mixtral(1))));
    assertRefused(
        "model.parameters 1048577 is not in 1..1048576",
        () -> tensorsOf(Collections.nCopies(6, block)));
    assertEquals(1 + 5 * (2 + 3 * 65_536) + 1, tensorsOf(Collections.nCopies(5, block)));
  }

  private static int tensorsOf(List<Block> blocks) {
    ModelSpec spec =
        new ModelSpec(
            "wide",
            1,
            new Input.Tokens(2, 2),
            Embedding.plain(),
            new Plan(List.copyOf(blocks)),
            new Head(Head.Pool.EACH, null, 2, false));
    return spec.parameters().size();
  }

  @Test
  void shapesAreAtLeastOneAndDoNotOverflowSilently() {
    assertRefused("shape of x 0 is below 1", () -> new Parameter("x", List.of(2, 0)));
    Parameter huge = new Parameter("x", List.of(1 << 30, 1 << 30, 16));
    assertThrows(ArithmeticException.class, huge::elements);
    assertEquals(1L << 60, new Parameter("x", List.of(1 << 30, 1 << 30)).elements());
  }

  private static List<Parameter> parameters(Operation operation) {
    List<Parameter> parameters = new ArrayList<>();
    operation.parameters("m", 5, parameters::add);
    return parameters;
  }

  private static List<String> names(List<Parameter> parameters) {
    return parameters.stream().map(p -> p.name() + " " + p.shape()).toList();
  }

  private static long elements(ModelSpec spec) {
    return spec.parameters().stream().mapToLong(Parameter::elements).sum();
  }
}
