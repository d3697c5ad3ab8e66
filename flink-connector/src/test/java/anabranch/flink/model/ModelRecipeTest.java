package anabranch.flink.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.LoadOptions;
import anabranch.engine.Policy;
import anabranch.error.DescriptionException;
import anabranch.flink.Script;
import anabranch.model.facts.Dependence;
import anabranch.weights.Weights;
import org.apache.flink.util.InstantiationUtil;
import org.junit.jupiter.api.Test;

class ModelRecipeTest {
  private final ModelRecipe recipe = new Script().recipe();

  @Test
  void aRecipeTravels() throws Exception {
    byte[] bytes = InstantiationUtil.serializeObject(recipe);
    ModelRecipe arrived = InstantiationUtil.deserializeObject(bytes, getClass().getClassLoader());
    assertEquals(Script.SPEC, arrived.spec());
    assertEquals(recipe.identity(), arrived.identity());
    assertEquals(recipe.identity().hashCode(), arrived.identity().hashCode());
    assertTrue(bytes.length < 8192, bytes.length + " bytes");
  }

  @Test
  void otherWeightsAreAnotherRecipe() {
    assertEquals(seeded(1).identity(), seeded(1).identity());
    assertNotEquals(seeded(1).identity(), seeded(2).identity());
    assertNotEquals(
        seeded(1).identity(), seeded(1).withPolicy(Policy.named("p").with("a", 1)).identity());
  }

  private static ModelRecipe seeded(long seed) {
    return ModelRecipe.of("scripted", Script.SPEC, spec -> Weights.random(spec, seed));
  }

  @Test
  void answersThatDependOnTheBatchAreRefused() {
    LoadOptions loose = LoadOptions.defaults().withLimit(Dependence.BATCH);
    assertMessage("recipe.load.limit BATCH is above SEQUENCE", () -> recipe.withLoadOptions(loose));
  }

  @Test
  void aPolicyForAnotherModelIsRefused() {
    assertMessage(
        "policy.thresholds exit \"z\" is not one of [a, b]",
        () -> recipe.withPolicy(Policy.named("p").with("z", 1)));
  }

  @Test
  void weightsThatCannotTravelAreRefused() {
    Object here = new Object();
    WeightsSource source =
        spec -> {
          here.hashCode();
          return Weights.random(spec, 1);
        };
    DescriptionException thrown =
        assertThrows(
            DescriptionException.class, () -> ModelRecipe.of("scripted", Script.SPEC, source));
    assertTrue(thrown.getMessage().contains("is not serializable"), thrown.getMessage());
  }

  private static void assertMessage(String message, Runnable attempt) {
    assertEquals(message, assertThrows(DescriptionException.class, attempt::run).getMessage());
  }
}
