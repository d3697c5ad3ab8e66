package anabranch.onnx.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.Event;
import anabranch.backend.LoadOptions;
import anabranch.backend.LoadedModel;
import anabranch.backend.SequenceState;
import anabranch.backend.StateImage;
import anabranch.model.Embedding;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Block;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Operation;
import anabranch.model.layer.Recurrence;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Head;
import anabranch.model.plan.Plan;
import anabranch.model.route.Routers;
import anabranch.onnx.Models;
import anabranch.onnx.OnnxBackend;
import anabranch.weights.Weights;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class SequenceTest {
  private static final Event FIRST = Event.ofTokens(3, 1, 4, 1, 5, 9, 2, 6);
  private static final Event SECOND = Event.ofTokens(5, 3, 5).at(8);
  private static final Event THIRD = Event.ofTokens(8, 9, 7, 9).at(11);

  @Test
  void aRestoredSequenceGoesOnWithTheSameBits() {
    for (ModelSpec spec : List.of(Models.causal(), Models.exits(), Models.skips())) {
      try (LoadedModel model = load(spec);
          LoadedModel other = load(spec);
          SequenceState state = model.newState(null)) {
        Feeding.of(model, state, FIRST);
        StateImage image = state.image(0);
        Feeding.of(model, state, SECOND);
        StateImage changed = state.image(image.version());
        assertFalse(changed.complete());
        assertEquals(state.image(0).pages(), image.with(changed).pages(), spec.name());
        try (SequenceState restored = other.restore(image.with(changed))) {
          assertEquals(11, restored.length());
          float[] expected = Feeding.of(model, state, THIRD).logits;
          assertArrayEquals(expected, Feeding.of(other, restored, THIRD).logits, spec.name());
          long since = changed.version();
          assertEquals(
              state.image(0).pages(),
              image.with(changed).with(restored.image(since)).pages(),
              spec.name());
        }
      }
    }
  }

  @Test
  void onlyTilesThatChangedAreInALaterImage() {
    ModelSpec spec = Models.causal();
    try (LoadedModel model = load(spec);
        SequenceState state = model.newState(null)) {
      int[] many = new int[200];
      Arrays.setAll(many, i -> i % 31);
      Feeding.of(model, state, Event.ofTokens(many));
      StateImage whole = state.image(0);
      assertEquals(1 + 2 * 4, whole.pages().size());
      assertEquals(0, state.image(whole.version()).pages().size());
      Feeding.of(model, state, Event.ofTokens(1).at(200));
      assertEquals(1 + 2, state.image(whole.version()).pages().size());
    }
  }

  @Test
  void aForkAndItsOriginDoNotSeeEachOther() {
    ModelSpec spec = Models.skips();
    try (LoadedModel model = load(spec);
        SequenceState state = model.newState(null);
        SequenceState plain = model.newState(null)) {
      Feeding.of(model, state, FIRST);
      Feeding.of(model, plain, FIRST);
      try (SequenceState fork = state.fork()) {
        float[] there = Feeding.of(model, fork, THIRD.at(8)).logits;
        float[] here = Feeding.of(model, state, SECOND).logits;
        assertArrayEquals(Feeding.of(model, plain, SECOND).logits, here);
        assertEquals(12, fork.length());
        assertTrue(there.length > here.length);
      }
      float[] last = Feeding.of(model, state, THIRD).logits;
      assertArrayEquals(Feeding.of(model, plain, THIRD).logits, last);
    }
  }

  @Test
  void imagesThatDoNotFitAreRefusedNamingBoth() {
    try (LoadedModel model = load(Models.causal());
        LoadedModel other = load(Models.skips());
        SequenceState state = model.newState(null)) {
      Feeding.of(model, state, FIRST);
      StateImage image = state.image(0);
      String own;
      try (SequenceState fresh = other.newState(null)) {
        own = fresh.image(0).signature();
      }
      String message =
          assertThrows(IllegalArgumentException.class, () -> other.restore(image)).getMessage();
      assertTrue(message.contains(image.signature()), message);
      assertTrue(message.contains(own), message);
      StateImage nothing = state.image(image.version());
      assertThrows(IllegalArgumentException.class, () -> model.restore(nothing));
    }
  }

  @Test
  void aCallThatFailsBehindARecurrenceLeavesItAsItWas() {
    ModelSpec spec = late(new Recurrence(4, 2, 3, 1));
    Event good = Event.ofFeatures(2, 1, 2, 3, 4).at(2);
    try (LoadedModel model = load(spec);
        SequenceState state = model.newState(null);
        SequenceState plain = model.newState(null)) {
      Feeding.of(model, state, good.at(0));
      Feeding.of(model, plain, good.at(0));
      Event bad = Event.ofFeatures(2, 1, 1, Float.MAX_VALUE, Float.MAX_VALUE).at(2);
      assertThrows(ArithmeticException.class, () -> Feeding.of(model, state, bad));
      assertEquals(2, state.length());
      float[] expected = Feeding.of(model, plain, good).logits;
      assertArrayEquals(expected, Feeding.of(model, state, good).logits);
    }
  }

  @Test
  void manyRowsAreKeptLikeOnesThatComeOneByOne() {
    ModelSpec spec = Models.causal();
    int[] text = new int[130];
    Arrays.setAll(text, i -> (7 * i + i / 3) % 31);
    try (LoadedModel model = load(spec);
        SequenceState together = model.newState(null);
        SequenceState alone = model.newState(null)) {
      float[] logits = new float[0];
      int at = 0;
      for (int rows : new int[] {40, 1, 16, 60, 13}) {
        int[] part = Arrays.copyOfRange(text, at, at + rows);
        logits = Feeding.of(model, together, Event.ofTokens(part).at(at)).logits;
        at += rows;
      }
      float[] last = new float[0];
      for (int i = 0; i < text.length; i++) {
        last = Feeding.of(model, alone, Event.ofTokens(text[i]).at(i)).logits;
      }
      assertArrayEquals(last, Arrays.copyOfRange(logits, logits.length - 31, logits.length));
      assertEquals(alone.image(0).pages(), together.image(0).pages());
    }
  }

  @Test
  void manyRowsOfACallThatFailsLeaveNothingBehind() {
    ModelSpec spec = late(Attention.causal(2, 4).withRotary(100));
    float[] numbers = new float[2 * 20];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = i % 7 - 3;
    }
    Event good = Event.ofFeatures(2, 1, 2, 3, 4);
    Event next = Event.ofFeatures(2, Arrays.copyOf(numbers, 2 * 18)).at(2);
    numbers[39] = Float.MAX_VALUE;
    Event bad = Event.ofFeatures(2, numbers).at(2);
    try (LoadedModel model = load(spec);
        SequenceState state = model.newState(null);
        SequenceState plain = model.newState(null)) {
      Feeding.of(model, state, good);
      Feeding.of(model, plain, good);
      assertThrows(ArithmeticException.class, () -> Feeding.of(model, state, bad));
      assertEquals(2, state.length());
      float[] expected = Feeding.of(model, plain, next).logits;
      assertArrayEquals(expected, Feeding.of(model, state, next).logits);
    }
  }

  @Test
  void aClosedStateIsRefused() {
    try (LoadedModel model = load(Models.causal())) {
      SequenceState state = model.newState(null);
      state.close();
      state.close();
      assertThrows(IllegalStateException.class, state::fork);
      assertThrows(IllegalStateException.class, () -> state.image(0));
      assertThrows(IllegalStateException.class, () -> Feeding.of(model, state, FIRST));
    }
  }

  /** A model that keeps something and whose router, behind, refuses numbers that are too large. */
  private static ModelSpec late(Operation kept) {
    Mixture mixture = new Mixture(2, FeedForward.plain(4, Activation.RELU), Routers.switchTop1());
    return new ModelSpec(
        "late",
        8,
        new Input.Features(2, 100),
        Embedding.plain(),
        Plan.of(
            Block.of(
                Sublayer.preNorm(new Norm.Rms(1e-5), kept),
                new Sublayer("mixture", null, mixture, null, null))),
        new Head(Head.Pool.EACH, null, 3, false));
  }

  private static LoadedModel load(ModelSpec spec) {
    return new OnnxBackend().load(spec, Weights.random(spec, 5), LoadOptions.defaults());
  }
}
