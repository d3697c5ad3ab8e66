package anabranch.conformance.system.bank;

import static org.junit.jupiter.api.Assertions.assertEquals;

import anabranch.backend.LoadedModel;
import anabranch.conformance.space.Case;
import anabranch.conformance.system.Tiny;
import anabranch.conformance.trial.Subject;
import anabranch.conformance.trial.Tolerance;
import anabranch.conformance.trial.Trial;
import anabranch.engine.Engine;
import anabranch.engine.Policy;
import anabranch.model.Embedding;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Block;
import anabranch.model.plan.Head;
import anabranch.model.plan.Plan;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.function.Supplier;
import org.junit.jupiter.api.Assumptions;

/** The models of a system, which counts how often each is loaded. Thread-safe. */
final class Shelf {
  private final Subject kit;
  private final List<Case> models;
  private final AtomicIntegerArray loads;

  /** Creates a shelf; skips the test where the backend may refuse a model, saying which. */
  Shelf(Subject kit, Case... models) {
    this.kit = kit;
    this.models = List.of(models);
    loads = new AtomicIntegerArray(models.length);
    for (Case model : models) {
      String name = model.spec().name();
      Assumptions.assumeTrue(Trial.accepts(kit, name, model.spec()), "the limits refuse " + name);
    }
  }

  /** Returns a model that reads single tokens through a table, does nothing, and pools the mean. */
  static Tiny pooling(String name, int width, int vocabulary, Head head) {
    Block nothing = Block.of(Tiny.bare("nothing", Tiny.unit()));
    return Tiny.of(
        new ModelSpec(
            name,
            width,
            new Input.Tokens(vocabulary, 64),
            Embedding.plain(),
            Plan.of(nothing),
            head));
  }

  /** Loads a model. */
  Engine open(int number) {
    loads.incrementAndGet(number);
    Case model = models.get(number);
    LoadedModel loaded =
        kit.backend()
            .load(model.spec(), model.weights(), Trial.accepting(kit.options(), model.spec()));
    return Engine.open(loaded, Policy.fullDepth());
  }

  /** Returns what loads a model when somebody wants it. */
  Supplier<Engine> later(int number) {
    return () -> open(number);
  }

  /** Fails unless each model was loaded so often. */
  void expectLoads(String what, int... expected) {
    int[] actual = new int[loads.length()];
    Arrays.setAll(actual, loads::get);
    assertEquals(Arrays.toString(expected), Arrays.toString(actual), what + ": loads");
  }

  /** Fails unless logits are as expected, to the tolerance of a model. */
  void expect(String what, Engine of, FloatBuffer logits, double... expected) {
    Tolerance tolerance = kit.tolerance(of.numerics());
    assertEquals(expected.length, logits.remaining(), what + ": logits");
    for (int i = 0; i < expected.length; i++) {
      double allowed = tolerance.of(expected[i]);
      assertEquals(expected[i], logits.get(i), allowed, what + ", logit " + i);
    }
  }
}
