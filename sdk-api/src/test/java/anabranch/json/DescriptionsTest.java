package anabranch.json;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.engine.Policy;
import anabranch.model.Embedding;
import anabranch.model.ModelSpec;
import anabranch.model.SampleSpecs;
import anabranch.model.layer.Norm;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class DescriptionsTest {
  static Stream<ModelSpec> specs() {
    return SampleSpecs.all().stream();
  }

  @ParameterizedTest
  @MethodSource("specs")
  void readingWhatWasWrittenGivesAnEqualDescription(ModelSpec spec) {
    String text = Descriptions.text(spec);
    ModelSpec read = Descriptions.model(text);
    assertEquals(spec, read);
    assertEquals(text, Descriptions.text(read));
  }

  @Test
  void textIsWhatPeopleWouldWrite() {
    String text =
        """
        {
          "version": 1,
          "model": {
            "name": "features",
            "width": 4,
            "input": {
              "type": "features",
              "features": 3,
              "maxLength": 9
            },
            "embedding": {
              "learnedPositions": false
            },
            "plan": {
              "blocks": [ {
                "sublayers": [ {
                  "name": "mlp",
                  "operation": {
                    "type": "feedForward",
                    "inner": 8,
                    "activation": "gelu",
                    "gated": false,
                    "bias": false
                  }
                } ]
              } ],
              "parts": [ {
                "type": "run",
                "block": 0
              } ],
              "alternatives": { }
            },
            "head": {
              "pool": "mean",
              "outputs": 2,
              "bias": false
            }
          }
        }
        """;
    assertEquals(text, Descriptions.text(SampleSpecs.features()));
  }

  @Test
  void orderOfFieldsAndSpacesDoNotMatter() {
    String text = Descriptions.text(SampleSpecs.features()).replaceAll("\\s", "");
    String swapped =
        text.replace("\"type\":\"features\",\"features\":3", "\"features\":3,\"type\":\"features\"")
            .replace("\"version\":1,", "")
            .replaceFirst("}$", ",\"version\":1}");
    assertNotEquals(text, swapped);
    assertEquals(SampleSpecs.features(), Descriptions.model("\n " + swapped + " \n"));
  }

  @Test
  void wholeNumbersAreNumbersToo() {
    String text = Descriptions.text(SampleSpecs.everything());
    String whole = text.replace("10000.0", "10000");
    assertNotEquals(text, whole);
    assertEquals(SampleSpecs.everything(), Descriptions.model(whole));
  }

  @Test
  void constantsAreTheFieldsWords() {
    String text = Descriptions.text(SampleSpecs.bytes());
    for (String word : List.of("reluSquared", "freezeProject", "confidence", "topK", "causal")) {
      assertTrue(text.contains(": \"" + word + "\""), word);
    }
    assertTrue(Descriptions.text(SampleSpecs.everything()).contains(": \"tokenId\""));
  }

  @Test
  void numbersKeepEveryBit() {
    for (double number :
        new double[] {Double.MIN_VALUE, 2e-44, 0x1p-44, 0.1 + 0.2, Math.PI, Double.MAX_VALUE}) {
      ModelSpec spec = withNorm(new Norm.Rms(number));
      assertEquals(spec, Descriptions.model(Descriptions.text(spec)));
    }
    assertTrue(Descriptions.text(withNorm(new Norm.Rms(2e23))).contains("\"epsilon\": 2.0E23"));
  }

  @Test
  void textDoesNotDependOnTheLocale() {
    Locale before = Locale.getDefault();
    String text = Descriptions.text(SampleSpecs.everything());
    try {
      Locale.setDefault(Locale.forLanguageTag("tr"));
      assertEquals(text, Descriptions.text(SampleSpecs.everything()));
    } finally {
      Locale.setDefault(before);
    }
    assertFalse(text.contains("\r"));
  }

  @Test
  void policiesAreDescribedToo() {
    Policy policy = Policy.named("v-2").with("late", 0.5).with("early", 1e-9).with("b", -3);
    String text =
        """
        {
          "version": 1,
          "policy": {
            "version": "v-2",
            "thresholds": {
              "b": -3.0,
              "early": 1.0E-9,
              "late": 0.5
            }
          }
        }
        """;
    assertEquals(text, Descriptions.text(policy));
    assertEquals(policy, Descriptions.policy(text));
    Policy none = Policy.fullDepth();
    assertEquals(none, Descriptions.policy(Descriptions.text(none)));
  }

  /** Fails when a record or a constant is added to the model and no shared description has it. */
  @Test
  void everyRecordAndConstantOfTheModelIsWrittenBySomeDescription() {
    Set<Class<?>> types = new HashSet<>();
    collect(ModelSpec.class, types);
    Set<String> declared = new TreeSet<>();
    for (Class<?> type : types) {
      if (type.isEnum()) {
        for (Object constant : type.getEnumConstants()) {
          declared.add(type.getName() + "." + constant);
        }
      } else {
        declared.add(type.getName());
      }
    }
    Set<String> written = new TreeSet<>();
    specs().forEach(spec -> collectValues(spec, written));
    assertTrue(declared.size() > 100, declared.size() + " declared");
    declared.removeAll(written);
    assertEquals(Set.of(), declared);
  }

  @Test
  void noComponentHasTheNameOfTheTag() {
    Set<Class<?>> declared = new HashSet<>();
    collect(ModelSpec.class, declared);
    declared.removeIf(Class::isEnum);
    for (Class<?> type : declared) {
      for (RecordComponent component : type.getRecordComponents()) {
        assertNotEquals(Words.TYPE, component.getName(), type.getName());
      }
    }
  }

  private static ModelSpec withNorm(Norm norm) {
    ModelSpec spec = SampleSpecs.features();
    return new ModelSpec(
        spec.name(),
        spec.width(),
        spec.input(),
        new Embedding(false, null, norm),
        spec.plan(),
        spec.head());
  }

  private static void collect(Type type, Set<Class<?>> records) {
    if (type instanceof ParameterizedType generic) {
      Stream.of(generic.getActualTypeArguments()).forEach(each -> collect(each, records));
    } else if (type instanceof Class<?> plain && plain.isEnum()) {
      records.add(plain);
    } else if (type instanceof Class<?> plain && plain.isSealed() && plain.isInterface()) {
      Stream.of(plain.getPermittedSubclasses()).forEach(permitted -> collect(permitted, records));
    } else if (type instanceof Class<?> plain && plain.isRecord() && records.add(plain)) {
      Stream.of(plain.getRecordComponents())
          .forEach(component -> collect(component.getGenericType(), records));
    }
  }

  private static void collectValues(Object value, Set<String> records) {
    if (value instanceof List<?> list) {
      list.forEach(element -> collectValues(element, records));
    } else if (value instanceof Map<?, ?> map) {
      map.values().forEach(element -> collectValues(element, records));
    } else if (value instanceof Enum<?> constant) {
      records.add(constant.getDeclaringClass().getName() + "." + constant);
    } else if (value instanceof Record) {
      records.add(value.getClass().getName());
      for (RecordComponent component : value.getClass().getRecordComponents()) {
        try {
          collectValues(component.getAccessor().invoke(value), records);
        } catch (ReflectiveOperationException impossible) {
          throw new AssertionError(impossible);
        }
      }
    }
  }
}
