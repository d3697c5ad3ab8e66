package anabranch.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

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
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class RandomWeightsTest {
  static final ModelSpec SPEC =
      new ModelSpec(
          "tiny",
          48,
          new Input.Tokens(500, 10),
          Embedding.plain(),
          Plan.of(
              Block.of(
                  Sublayer.preNorm(new Norm.Layer(1e-5), FeedForward.plain(96, Activation.RELU)))),
          new Head(Head.Pool.EACH, null, 500, true));

  @Test
  void oneSeedGivesOneSetOfNumbers() {
    try (Weights one = Weights.random(SPEC, 7);
        Weights two = Weights.random(SPEC, 7);
        Weights other = Weights.random(SPEC, 8)) {
      for (Parameter parameter : SPEC.parameters()) {
        String name = parameter.name();
        float[] numbers = Numbers.of(one.tensor(name));
        assertArrayEquals(numbers, Numbers.of(two.tensor(name)));
        assertFalse(Arrays.equals(numbers, Numbers.of(other.tensor(name))), name);
      }
    }
  }

  @Test
  void numbersAreTheSameOnEveryMachine() {
    try (Weights weights = Weights.random(SPEC, 7)) {
      float[] table = Numbers.of(weights.tensor("embedding.tokens"));
      // SplitMix64 (Steele et al.) from seed 7, by its formulas; the bound is sqrt(3 / 48).
      float[] first = {-0.05508512631058693f, -0.24160584807395935f, 0.200380340218544f};
      assertArrayEquals(first, Arrays.copyOf(table, 3));
    }
  }

  @Test
  void theyFitTheirDescription() {
    try (Weights weights = Weights.random(SPEC, 7)) {
      weights.requireFit(SPEC);
      assertEquals(
          SPEC.parameters().stream().map(Parameter::name).toList(), List.copyOf(weights.names()));
    }
  }

  @Test
  void matricesHaveTheVarianceOfOneOverTheirInputs() {
    try (Weights weights = Weights.random(SPEC, 7)) {
      for (String name : List.of("embedding.tokens", "head.weight")) {
        float[] numbers = Numbers.of(weights.tensor(name));
        double squares = 0;
        for (float number : numbers) {
          squares += number * number;
        }
        assertEquals(1, 48 * squares / numbers.length, 0.03, name);
      }
    }
  }

  @Test
  void normScalesAreAroundOneAndBiasesAroundZero() {
    try (Weights weights = Weights.random(SPEC, 7)) {
      assertAround(1, Numbers.of(weights.tensor("blocks.0.feedForward.before.weight")));
      assertAround(0, Numbers.of(weights.tensor("blocks.0.feedForward.before.bias")));
      assertAround(0, Numbers.of(weights.tensor("head.bias")));
    }
  }

  private static void assertAround(float centre, float[] numbers) {
    for (float number : numbers) {
      assertEquals(centre, number, 0.2001);
    }
    assertTrue(Arrays.hashCode(numbers) != Arrays.hashCode(new float[numbers.length]));
  }
}
