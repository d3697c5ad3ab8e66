package anabranch.conformance;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.Activations;
import anabranch.backend.Event;
import anabranch.backend.LoadOptions;
import anabranch.backend.Numerics;
import anabranch.backend.Rows;
import anabranch.backend.SequenceState;
import anabranch.backend.Span;
import anabranch.backend.StageBatch;
import anabranch.conformance.space.Case;
import anabranch.conformance.space.ModelSpace;
import anabranch.conformance.space.Shapes;
import anabranch.conformance.trial.Subject;
import anabranch.conformance.trial.Tolerance;
import anabranch.conformance.trial.Trial;
import anabranch.error.Unsupported;
import anabranch.error.UnsupportedModelException;
import anabranch.error.WeightsException;
import anabranch.model.ModelSpec;
import anabranch.model.facts.Cut;
import anabranch.model.facts.Dependence;
import anabranch.model.layer.Attention;
import anabranch.model.route.Router;
import anabranch.model.route.Routers;
import anabranch.weights.MemoryWeights;
import anabranch.weights.Tensor;
import anabranch.weights.Weights;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Models are refused in words, loaded as described, and closed for good. */
public interface LifecycleChapter extends Subject {
  /** Intent: what a caller may rely on before the first row. */
  @Test
  @Rule({"D8"})
  default void aLoadedModelIsWhatWasDescribed() {
    Trial.forEach(
        this,
        trial -> {
          ModelSpec spec = trial.subject.spec();
          assertEquals(spec, trial.model.spec(), "spec");
          assertEquals(
              Cut.of(spec).stages().size(), trial.model.stages().size(), "number of stages");
          Numerics numerics = trial.model.numerics();
          assertFalse(numerics.device().isBlank(), "device is blank");
          assertFalse(numerics.type().isBlank(), "type is blank");
          assertDoesNotThrow(() -> moved(trial.subject.weights(), numerics, 0), "type");
          assertTrue(new Tolerance(numerics.absolute(), numerics.relative()).of(1.0) > 0);
        });
  }

  /** Intent: a caller can ask first, and the answer is the whole truth. */
  @Test
  @Rule({"E3", "D3"})
  default void checkIsEmptyExactlyWhenLoadSucceeds() {
    for (long seed = 0; seed < cases(); seed++) {
      for (Dependence limit : List.of(Dependence.TOKEN, Dependence.PREFIX, Dependence.SEQUENCE)) {
        Case drawn = ModelSpace.draw(seed);
        LoadOptions bounded = Trial.accepting(options(), drawn.spec()).withLimit(limit);
        List<Unsupported> refused = backend().check(drawn.spec(), bounded);
        if (refused.isEmpty()) {
          assertDoesNotThrow(
              () -> backend().load(drawn.spec(), drawn.weights(), bounded).close(),
              "load of " + drawn.name() + " up to " + limit);
        } else {
          UnsupportedModelException refusal =
              assertThrows(
                  UnsupportedModelException.class,
                  () -> backend().load(drawn.spec(), drawn.weights(), bounded));
          assertEquals(refused, refusal.parts(), "parts of the refusal of " + drawn.name());
        }
      }
    }
  }

  /** Intent: nobody gets rows that depend on other rows without having asked for it. */
  @Test
  @Rule({"D1", "D3"})
  default void aLimitOfTokenRefusesAttention() {
    LoadOptions bounded = options().withLimit(Dependence.TOKEN);
    for (Attention attention : List.of(Attention.causal(2, 4), Attention.full(2, 4))) {
      List<Unsupported> refused = backend().check(Shapes.freezing(attention), bounded);
      assertTrue(
          refused.stream()
              .filter(part -> part.field().equals("dependence"))
              .anyMatch(part -> part.toString().endsWith("(rule D3)")),
          "refusals " + refused + " do not name the dependence and its rule");
    }
  }

  /** Intent: a misspelt setting is an error, not a default; other backends' settings are not. */
  @Test
  @Rule({"E3"})
  default void unknownSettingsOfItsOwnAreRefused() {
    ModelSpec spec = Shapes.pooled();
    String own = backend().name() + ".no-such-setting";
    List<Unsupported> refused = backend().check(spec, options().with(own, "1"));
    assertEquals(1, refused.size(), "refusals of one unknown setting: " + refused);
    assertTrue(refused.get(0).toString().contains(own), refused + " does not name " + own);
    assertEquals(List.of(), backend().check(spec, options().with("other.setting", "1")));
  }

  /** Intent: weights that do not fit are an error before the first row. */
  @Test
  @Rule({"E2"})
  default void weightsThatDoNotFitAreRefused() {
    Case drawn = Case.of(Shapes.pooled(), 41, 2);
    List<Tensor> tensors = new ArrayList<>();
    drawn.weights().names().forEach(name -> tensors.add(drawn.weights().tensor(name)));
    refused(drawn.spec(), tensors.subList(1, tensors.size()));
    List<Tensor> surplus = new ArrayList<>(tensors);
    surplus.add(MemoryWeights.tensor("nobody.asked", List.of(1), 1));
    refused(drawn.spec(), surplus);
    List<Tensor> misshapen = new ArrayList<>(tensors);
    Tensor first = misshapen.remove(0);
    misshapen.add(
        MemoryWeights.tensor(
            first.name(), List.of((int) first.elements()), new float[(int) first.elements()]));
    refused(drawn.spec(), misshapen);
    refusedWith(Routers.ernie45(1), "correction", Float.NaN);
    refusedWith(Routers.ernie45(1), "correction", Float.POSITIVE_INFINITY);
    refusedWith(Routers.hashTable(20), "table", 3);
    refusedWith(Routers.hashTable(20), "table", 0.5f);
  }

  private void refusedWith(Router router, String name, float number) {
    Case drawn = Case.of(Shapes.routed(router, 3), 42, 2);
    List<Tensor> tensors = new ArrayList<>();
    for (String each : drawn.weights().names()) {
      Tensor tensor = drawn.weights().tensor(each);
      if (each.endsWith(".router." + name)) {
        float[] numbers = new float[(int) tensor.elements()];
        numbers[1] = number;
        tensor = MemoryWeights.tensor(each, tensor.shape(), numbers);
      }
      tensors.add(tensor);
    }
    refused(drawn.spec(), tensors);
  }

  private void refused(ModelSpec spec, List<Tensor> tensors) {
    WeightsException refused =
        assertThrows(
            WeightsException.class,
            () -> backend().load(spec, MemoryWeights.of(tensors), options()));
    String text = String.valueOf(refused.getMessage());
    assertTrue(text.endsWith("(rule E2)"), text + " does not name its rule");
  }

  /** Intent: weights are the loader's to close, as soon as loading is over. */
  @Test
  @Rule({"E8"})
  default void weightsMayBeClosedOnceLoaded() {
    Case drawn = Case.of(Shapes.freezing(Attention.causal(2, 4)), 42, 5);
    Weights weights = closable(drawn.weights());
    Case closing = new Case(drawn.name(), drawn.spec(), weights, drawn.sequences());
    Trial.of(
        this,
        closing,
        trial -> {
          weights.close();
          trial.judgeLeaving(1);
        });
  }

  /** Intent: closing is final and harmless. */
  @Test
  @Rule({"E8"})
  default void aClosedModelRefusesWorkAndClosesAgain() {
    Case drawn = Case.of(Shapes.freezing(Attention.causal(2, 4)), 43, 2);
    Trial.of(
        this,
        drawn,
        trial -> {
          SequenceState state = trial.model.newState(null);
          state.close();
          state.close();
          trial.forced(drawn.anyExits(1)).run(drawn.sequences());
          SequenceState open = trial.model.newState(null);
          trial.model.close();
          trial.model.close();
          assertThrows(IllegalStateException.class, () -> trial.model.newState(null));
          Event event = drawn.sequences().get(0).eventAt(0);
          Rows rows =
              new Rows(
                  new Event[] {event},
                  new @Nullable Activations[1],
                  new int[1],
                  new int[1],
                  new byte[] {Rows.SCORED});
          StageBatch batch = new StageBatch(0, List.of(new Span(open, rows)), false);
          assertThrows(IllegalStateException.class, () -> trial.model.stages().get(0).run(batch));
          open.close();
        });
  }

  /** Returns weights that cannot be read once closed. */
  private static Weights closable(Weights inner) {
    AtomicBoolean closed = new AtomicBoolean();
    return new Weights() {
      @Override
      public Set<String> names() {
        requireOpen();
        return inner.names();
      }

      @Override
      public Tensor tensor(String name) {
        requireOpen();
        return inner.tensor(name);
      }

      private void requireOpen() {
        if (closed.get()) {
          throw new IllegalStateException("the weights are closed");
        }
      }

      @Override
      public void close() {
        closed.set(true);
      }
    };
  }
}
