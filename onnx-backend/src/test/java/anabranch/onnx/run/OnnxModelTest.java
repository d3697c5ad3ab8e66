package anabranch.onnx.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.Activations;
import anabranch.backend.Event;
import anabranch.backend.LoadOptions;
import anabranch.backend.LoadedModel;
import anabranch.backend.Rows;
import anabranch.backend.SequenceState;
import anabranch.backend.Span;
import anabranch.backend.StageBatch;
import anabranch.backend.StageResult;
import anabranch.model.ModelSpec;
import anabranch.onnx.Models;
import anabranch.onnx.OnnxBackend;
import anabranch.onnx.memory.BufferPool;
import anabranch.weights.Weights;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class OnnxModelTest {
  private static final int[] LENGTHS = {1, 63, 150, 64, 2, 129};

  @Test
  void aLongCausalSequenceIsWhatPlainLoopsSay() {
    ModelSpec spec = Models.causal();
    Weights weights = Weights.random(spec, 3);
    Event event = tokens(31, 200, 5);
    try (LoadedModel model = load(spec, weights)) {
      float[] got = new Passes(model).run(List.of(event), List.of(full(spec, 200)), 200).get(0);
      close(causal(new Plain(weights), event), got);
    }
  }

  @Test
  void aPooledBidirectionalItemIsWhatPlainLoopsSay() {
    ModelSpec spec = Models.classifier();
    Weights weights = Weights.random(spec, 4);
    Event event = features(7, 90, 6);
    try (LoadedModel model = load(spec, weights)) {
      float[] got = new Passes(model).run(List.of(event), List.of(full(spec, 90)), 90).get(0);
      close(classifier(new Plain(weights), event), got);
    }
  }

  @Test
  void rowsHaveTheSameBitsHoweverTheyAreGrouped() {
    ModelSpec spec = Models.exits();
    SplittableRandom random = new SplittableRandom(7);
    List<Event> events = Arrays.stream(LENGTHS).mapToObj(rows -> tokens(40, rows, rows)).toList();
    List<int[]> exits = events.stream().map(e -> random.ints(e.rows(), 0, 3).toArray()).toList();
    try (LoadedModel model = load(spec, Weights.random(spec, 8))) {
      Passes passes = new Passes(model);
      List<float[]> together = passes.run(events, exits, 300);
      for (int step : new int[] {1, 7, 64, 65}) {
        List<float[]> stepped = passes.run(events, exits, step);
        for (int n = 0; n < events.size(); n++) {
          assertArrayEquals(together.get(n), stepped.get(n), "item " + n + " in steps of " + step);
        }
      }
      List<float[]> cut = new Passes(model).cuttingEvents().run(events, exits, 10);
      for (int n = 0; n < events.size(); n++) {
        assertArrayEquals(together.get(n), cut.get(n), "item " + n + " in events of 10");
      }
      for (int n = 0; n < events.size(); n++) {
        List<float[]> alone = passes.run(List.of(events.get(n)), List.of(exits.get(n)), 300);
        assertArrayEquals(together.get(n), alone.get(0), "item " + n + " alone");
      }
    }
  }

  @Test
  void rowsThatJumpHaveTheSameBitsHoweverTheyAreGrouped() {
    ModelSpec spec = Models.skips();
    SplittableRandom random = new SplittableRandom(9);
    List<Event> events = Arrays.stream(LENGTHS).mapToObj(rows -> tokens(23, rows, rows)).toList();
    List<int[]> exits = events.stream().map(e -> random.ints(e.rows(), 0, 2).toArray()).toList();
    try (LoadedModel model = load(spec, Weights.random(spec, 8))) {
      Passes passes = new Passes(model);
      List<float[]> together = passes.run(events, exits, 300);
      for (int step : new int[] {1, 7, 64}) {
        List<float[]> stepped = new Passes(model).cuttingEvents().run(events, exits, step);
        for (int n = 0; n < events.size(); n++) {
          assertArrayEquals(together.get(n), stepped.get(n), "item " + n + " in steps of " + step);
        }
      }
      for (int n = 0; n < events.size(); n++) {
        List<float[]> alone = passes.run(List.of(events.get(n)), List.of(exits.get(n)), 300);
        assertArrayEquals(together.get(n), alone.get(0), "item " + n + " alone");
      }
    }
  }

  @Test
  void whereARowLeavesMattersToLaterRows() {
    ModelSpec spec = Models.exits();
    List<Event> event = List.of(tokens(40, 20, 1));
    int[] early = full(spec, 20);
    early[3] = 0;
    try (LoadedModel model = load(spec, Weights.random(spec, 8))) {
      float[] all = new Passes(model).run(event, List.of(full(spec, 20)), 20).get(0);
      float[] frozen = new Passes(model).run(event, List.of(early), 20).get(0);
      int outputs = spec.head().outputs();
      assertArrayEquals(
          Arrays.copyOf(all, 3 * outputs), Arrays.copyOf(frozen, 3 * outputs), "earlier rows");
      assertTrue(all[10 * outputs] != frozen[10 * outputs], "later rows read other keys");
    }
  }

  @Test
  void twoHundredBatchesNeedNoMoreMemoryThanTwenty() {
    ModelSpec spec = Models.exits();
    List<Event> events = Arrays.stream(LENGTHS).mapToObj(rows -> tokens(40, rows, rows)).toList();
    List<int[]> exits = events.stream().map(e -> full(spec, e.rows())).toList();
    try (LoadedModel model = load(spec, Weights.random(spec, 8))) {
      Passes passes = new Passes(model);
      BufferPool pool = ((OnnxModel) model).pool();
      for (int i = 0; i < 20; i++) {
        passes.run(events, exits, 100);
      }
      long warm = pool.madeBytes();
      for (int i = 0; i < 180; i++) {
        passes.run(events, exits, 100);
      }
      assertEquals(warm, pool.madeBytes());
    }
  }

  @Test
  void sequencesLongerThanTheModelAllowsAreRefused() {
    ModelSpec spec = Models.causal();
    Event tooLong = tokens(31, 301, 1);
    try (LoadedModel model = load(spec, Weights.random(spec, 1))) {
      Passes passes = new Passes(model);
      IllegalArgumentException thrown =
          assertThrows(
              IllegalArgumentException.class,
              () -> passes.run(List.of(tooLong), List.of(full(spec, 301)), 301));
      assertTrue(String.valueOf(thrown.getMessage()).contains("300"), thrown.getMessage());
    }
  }

  @Test
  void aPositionPassesAStageOnce() {
    ModelSpec spec = Models.causal();
    Event event = tokens(31, 3, 1);
    Rows rows =
        new Rows(
            new Event[] {event},
            new @Nullable Activations[1],
            new int[1],
            new int[] {2},
            new byte[] {Rows.SCORED});
    try (LoadedModel model = load(spec, Weights.random(spec, 1));
        SequenceState state = model.newState(null)) {
      StageBatch batch = new StageBatch(0, List.of(new Span(state, rows)), false);
      StageResult once = model.stages().get(0).run(batch);
      once.rows().close();
      once.close();
      IllegalArgumentException thrown =
          assertThrows(IllegalArgumentException.class, () -> model.stages().get(0).run(batch));
      assertEquals("position 2 has passed stage 0 already, up to 2", thrown.getMessage());
    }
  }

  private static LoadedModel load(ModelSpec spec, Weights weights) {
    return new OnnxBackend().load(spec, weights, LoadOptions.defaults());
  }

  private static int[] full(ModelSpec spec, int rows) {
    int[] exits = new int[rows];
    Arrays.fill(exits, spec.plan().exits().size());
    return exits;
  }

  private static Event tokens(int vocabulary, int rows, long seed) {
    return Event.ofTokens(new SplittableRandom(seed).ints(rows, 0, vocabulary).toArray());
  }

  private static Event features(int width, int rows, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    float[] values = new float[width * rows];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (2 * random.nextDouble() - 1);
    }
    return Event.ofFeatures(width, values);
  }

  private static double[] causal(Plain plain, Event event) {
    int rows = event.rows();
    double[][] x = new double[rows][];
    for (int t = 0; t < rows; t++) {
      x[t] = plain.look("embedding.tokens", event.token(t), 12);
    }
    for (String block : List.of("blocks.0.", "blocks.1.")) {
      String path = block + "attention.";
      double[][] k = new double[rows][];
      double[][] v = new double[rows][];
      for (int t = 0; t < rows; t++) {
        double[] n = plain.rms(path + "before", x[t]);
        double[] q = plain.linear(path + "q", false, n);
        k[t] = plain.linear(path + "k", false, n);
        v[t] = plain.linear(path + "v", false, n);
        Plain.rotate(q, 4, t, 100);
        Plain.rotate(k[t], 4, t, 100);
        double[] o = Plain.attend(q, k, v, t + 1, 6, 4);
        Plain.add(x[t], plain.linear(path + "o", false, o));
      }
      path = block + "feedForward.";
      for (int t = 0; t < rows; t++) {
        double[] n = plain.rms(path + "before", x[t]);
        double[] up = plain.linear(path + "up", false, n);
        double[] gate = plain.linear(path + "gate", false, n);
        for (int i = 0; i < up.length; i++) {
          up[i] *= gate[i] / (1 + Math.exp(-gate[i]));
        }
        Plain.add(x[t], plain.linear(path + "down", false, up));
      }
    }
    double[] logits = new double[rows * 31];
    for (int t = 0; t < rows; t++) {
      double[] z = plain.linear("head", false, plain.rms("head.norm", x[t]));
      System.arraycopy(z, 0, logits, t * 31, 31);
    }
    return logits;
  }

  private static double[] classifier(Plain plain, Event event) {
    int rows = event.rows();
    double[][] x = new double[rows][];
    for (int t = 0; t < rows; t++) {
      double[] f = new double[7];
      for (int i = 0; i < 7; i++) {
        f[i] = event.features(t).slice().get(i);
      }
      x[t] = plain.linear("embedding.features", true, f);
      Plain.add(x[t], plain.look("embedding.positions", t, 10));
      x[t] = plain.layer("embedding.norm", x[t]);
    }
    for (String block : List.of("blocks.0.", "blocks.1.")) {
      String path = block + "attention.";
      double[][] k = new double[rows][];
      double[][] v = new double[rows][];
      for (int t = 0; t < rows; t++) {
        k[t] = plain.linear(path + "k", true, x[t]);
        v[t] = plain.linear(path + "v", true, x[t]);
      }
      for (int t = 0; t < rows; t++) {
        double[] o = Plain.attend(plain.linear(path + "q", true, x[t]), k, v, rows, 2, 5);
        Plain.add(x[t], plain.linear(path + "o", true, o));
        x[t] = plain.layer(path + "afterSum", x[t]);
      }
      path = block + "feedForward.";
      for (int t = 0; t < rows; t++) {
        double[] up = plain.linear(path + "up", true, x[t]);
        for (int i = 0; i < up.length; i++) {
          up[i] *= normal(up[i]);
        }
        Plain.add(x[t], plain.linear(path + "down", true, up));
        x[t] = plain.layer(path + "afterSum", x[t]);
      }
    }
    double[] mean = new double[10];
    for (double[] row : x) {
      Plain.add(mean, row);
    }
    for (int c = 0; c < mean.length; c++) {
      mean[c] /= rows;
    }
    return plain.linear("head", true, plain.layer("head.norm", mean));
  }

  /** Returns the normal distribution function by its power series; exact enough for |z| below 6. */
  private static double normal(double z) {
    double term = z;
    double sum = z;
    for (int n = 1; n < 200; n++) {
      term *= z * z / (2 * n + 1);
      sum += term;
    }
    return 0.5 + sum * Math.exp(-z * z / 2) / Math.sqrt(2 * Math.PI);
  }

  private static void close(double[] expected, float[] got) {
    assertEquals(expected.length, got.length);
    double spread = 0;
    for (int i = 0; i < got.length; i++) {
      assertEquals(expected[i], got[i], 2e-5, "number " + i);
      spread = Math.max(spread, Math.abs(expected[i] - expected[0]));
    }
    assertTrue(spread > 0.1, "the answer hardly varies");
  }
}
