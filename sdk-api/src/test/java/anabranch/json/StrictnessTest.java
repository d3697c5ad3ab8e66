package anabranch.json;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.error.DescriptionException;
import anabranch.model.ModelSpec;
import anabranch.model.SamplePlans;
import anabranch.model.SampleRouters;
import anabranch.model.SampleSpecs;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Takes every object of every shared description and changes one field of it. */
class StrictnessTest {
  private static final JsonMapper JSON = new JsonMapper();

  /** The components that may be absent, of any record. */
  private static final Set<String> OPTIONAL =
      Set.of(
          "encoder",
          "ngrams",
          "norm",
          "before",
          "after",
          "afterSum",
          "rotary",
          "groups",
          "always",
          "fusion",
          "normalise",
          "secondary",
          "seed",
          "until",
          "window",
          "part",
          "scaling",
          "clip",
          "scores",
          "scale",
          "distances",
          "body",
          "hidden",
          "multiplier",
          "sinusoids",
          "limit",
          "shared",
          "specials",
          "jitter",
          "latent",
          "queryRank",
          "routed",
          "projections",
          "from",
          "head",
          "chosen");

  static List<ModelSpec> specs() {
    return SampleSpecs.all();
  }

  @ParameterizedTest
  @MethodSource("specs")
  void fieldsThatDoNotExistAreRefusedEverywhere(ModelSpec spec) {
    JsonNode tree = JSON.readTree(Descriptions.text(spec));
    for (ObjectNode object : objects(tree)) {
      object.put("surplus", 1);
      refused(tree, "surplus is not a field here");
      object.remove("surplus");
    }
    assertEquals(spec, Descriptions.model(tree.toString()));
  }

  @ParameterizedTest
  @MethodSource("specs")
  void fieldsThatMustExistAreMissedEverywhere(ModelSpec spec) {
    JsonNode tree = JSON.readTree(Descriptions.text(spec));
    for (ObjectNode object : objects(tree)) {
      for (String name : List.copyOf(object.propertyNames())) {
        JsonNode value = object.remove(name);
        if (!OPTIONAL.contains(name)) {
          refused(tree, name + " is missing");
        }
        object.set(name, value);
      }
    }
    assertEquals(spec, Descriptions.model(tree.toString()));
  }

  @ParameterizedTest
  @MethodSource("specs")
  void wordsThatDoNotExistAreRefusedEverywhere(ModelSpec spec) {
    JsonNode tree = JSON.readTree(Descriptions.text(spec));
    for (ObjectNode object : objects(tree)) {
      for (String name : List.copyOf(object.propertyNames())) {
        JsonNode value = object.get(name);
        if (value.isString() && !Set.of("name", "id", "chosen", "as", "from").contains(name)) {
          object.put(name, "unheard");
          refused(tree, name + " \"unheard\" is not one of [");
          object.set(name, value);
        }
      }
    }
    assertEquals(spec, Descriptions.model(tree.toString()));
  }

  @Test
  void aSeedMayBeAbsentAndKeepsEveryBit() {
    String text = Descriptions.text(SampleRouters.mixtures());
    assertTrue(text.contains("\"seed\": 9223372036854775807"));
    assertTrue(text.matches("(?s).*\"threshold\": 0\\.3\\s*}.*"));
    DescriptionException refusal =
        assertThrows(
            DescriptionException.class,
            () -> Descriptions.model(text.replace("9223372036854775807", "9223372036854775808")));
    assertTrue(refusal.getMessage().contains("secondary.seed 9223372036854775808 is not a whole"));
  }

  @Test
  void ordersAreFoundByName() {
    String text = Descriptions.text(SamplePlans.pruned());
    assertTrue(text.contains("\"chosen\": \"painted\""));
    refused(
        JSON.readTree(text.replace("\"chosen\": \"painted\"", "\"chosen\": \"other\"")),
        "model.plan: plan.chosen \"other\" is not one of [painted, short]");
    refused(
        JSON.readTree(text.replace("\"short\"", "\"s.h\"")),
        "plan.alternatives \"s.h\" is not 1 to 64");
  }

  private static void refused(JsonNode tree, String words) {
    DescriptionException refusal =
        assertThrows(DescriptionException.class, () -> Descriptions.model(tree.toString()), words);
    assertTrue(refusal.getMessage().contains(words), refusal.getMessage() + "; no " + words);
  }

  /** Returns every object that stands for a record. */
  private static List<ObjectNode> objects(JsonNode tree) {
    List<ObjectNode> objects = new ArrayList<>();
    collect("", tree, objects);
    assertTrue(objects.size() > 5);
    return objects;
  }

  private static void collect(String name, JsonNode node, List<ObjectNode> into) {
    if (node instanceof ObjectNode object) {
      if (!name.equals("alternatives")) {
        into.add(object);
      }
      object.properties().forEach(field -> collect(field.getKey(), field.getValue(), into));
    } else {
      node.forEach(element -> collect("", element, into));
    }
  }
}
