package anabranch.onnx.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.Event;
import anabranch.backend.LoadOptions;
import anabranch.backend.LoadedModel;
import anabranch.backend.Numerics;
import anabranch.backend.SequenceState;
import anabranch.backend.Trace;
import anabranch.model.Embedding;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.facts.Dependence;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Block;
import anabranch.model.layer.Bypass;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Operation;
import anabranch.model.layer.Recurrence;
import anabranch.model.layer.Skip;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Head;
import anabranch.model.plan.Plan;
import anabranch.model.route.Capacity;
import anabranch.model.route.Routers;
import anabranch.onnx.Models;
import anabranch.onnx.OnnxBackend;
import anabranch.weights.Weights;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class OperationsTest {
  private static final int WIDTH = 8;
  private static final int ROWS = 20;
  private static final Event EVENT =
      Event.ofTokens(new SplittableRandom(3).ints(ROWS, 0, 17).toArray());

  @Test
  void aRecurrenceIsWhatPlainLoopsSay() {
    Recurrence shape = new Recurrence(6, 3, 4, 2);
    ModelSpec spec = single(shape);
    Weights weights = Weights.random(spec, 6);
    Plain plain = new Plain(weights);
    double[][] x = embedded(plain);
    double[] window = new double[3 * 6];
    double[] state = new double[6 * 3];
    String path = "blocks.0.recurrence.";
    for (double[] row : x) {
      double[] uz = plain.linear(path + "in", false, plain.rms(path + "before", row));
      double[] u = convolve(plain, path, window, Arrays.copyOf(uz, 6));
      double[] tbc = plain.linear(path + "project", false, u);
      double[] dt = plain.linear(path + "step", true, Arrays.copyOf(tbc, 2));
      double[] a = plain.vector(path + "a");
      double[] y = new double[6];
      for (int c = 0; c < 6; c++) {
        double step = Math.log(1 + Math.exp(dt[c]));
        y[c] = plain.vector(path + "d")[c] * u[c];
        for (int n = 0; n < 3; n++) {
          int at = c * 3 + n;
          double decay = Math.exp(-step * Math.exp(a[at]));
          state[at] = decay * state[at] + step * tbc[2 + n] * u[c];
          y[c] += tbc[5 + n] * state[at];
        }
        y[c] *= silu(uz[6 + c]);
      }
      Plain.add(row, plain.linear(path + "out", false, y));
    }
    close(answers(plain, x), run(spec, weights).logits);
  }

  @Test
  void aLinearMemoryIsWhatPlainLoopsSay() {
    ModelSpec spec = single(new Recurrence.LinearMemory(3, 5, true));
    Weights weights = Weights.random(spec, 7);
    Plain plain = new Plain(weights);
    double[][] x = embedded(plain);
    String path = "blocks.0.linearMemory.";
    double[] a = plain.vector(path + "a");
    double[] b = plain.vector(path + "b");
    double[] state = new double[5];
    for (double[] row : x) {
      double[] n = plain.rms(path + "before", row);
      double[] u = plain.linear(path + "in", true, n);
      double[] next = new double[5];
      for (int i = 0; i < 5; i++) {
        for (int j = 0; j < 5; j++) {
          next[i] += a[i * 5 + j] * state[j];
        }
        for (int j = 0; j < 3; j++) {
          next[i] += b[i * 3 + j] * Math.max(u[j], 0);
        }
      }
      state = next;
      double[] both = Arrays.copyOf(state, 5 + WIDTH);
      System.arraycopy(n, 0, both, 5, WIDTH);
      double[] h = plain.linear(path + "out", true, both);
      Plain.add(row, Arrays.stream(h).map(v -> Math.max(v, 0)).toArray());
    }
    close(answers(plain, x), run(spec, weights).logits);
  }

  @Test
  void rowsThatJumpOverAttentionShowWhatTheirKeysSay() {
    for (Bypass keys : new Bypass[] {Bypass.MASK, Bypass.FREEZE_PROJECT}) {
      Attention attention = Attention.causal(2, 4);
      ModelSpec spec = single(new Skip(Routers.mixtureOfDepthsCausal(), attention, keys));
      Weights weights = Weights.random(spec, 7);
      Plain plain = new Plain(weights);
      double[][] x = embedded(plain);
      double[][] k = new double[ROWS][];
      double[][] v = new double[ROWS][];
      double[][] after = new double[ROWS][];
      String path = "blocks.0.skip.";
      int shown = 0;
      int jumped = 0;
      for (int t = 0; t < ROWS; t++) {
        double[] n = plain.rms(path + "before", x[t]);
        double gate = plain.linear(path + "router", false, n)[0];
        after[t] = x[t].clone();
        if (gate > 0 || keys == Bypass.FREEZE_PROJECT) {
          k[shown] = plain.linear(path + "attention.k", false, n);
          v[shown++] = plain.linear(path + "attention.v", false, n);
        }
        if (gate > 0) {
          double[] q = plain.linear(path + "attention.q", false, n);
          double[] o = Plain.attend(q, k, v, shown, 2, 4);
          double[] update = plain.linear(path + "attention.o", false, o);
          for (int c = 0; c < WIDTH; c++) {
            after[t][c] += gate * update[c];
          }
        } else {
          jumped++;
        }
      }
      assertTrue(jumped > 2 && jumped < ROWS - 2, "rows that jump: " + jumped);
      Feeding got = run(spec, weights);
      close(answers(plain, after), got.logits);
      Trace.Choices choices = got.choices.get(0);
      assertEquals(ROWS - jumped, choices.ran().get(0));
      assertEquals("blocks.0.skip", choices.path());
    }
  }

  @Test
  void aMemoryGoesAlongWithForksAndImages() {
    ModelSpec spec = Models.encoded();
    Weights weights = Weights.random(spec, 8);
    Event source = Event.ofTokens(1, 2, 3, 4, 5);
    Event event = Event.ofFeatures(2, 0.5f, 1, -1, 2, 0.25f, 3, 2, 9);
    try (LoadedModel model = new OnnxBackend().load(spec, weights, LoadOptions.defaults());
        SequenceState state = Feeding.memory(model, source);
        SequenceState fork = state.fork();
        SequenceState restored = model.restore(state.image(0))) {
      Feeding first = Feeding.of(model, state, event);
      assertArrayEquals(first.logits, Feeding.of(model, fork, event).logits);
      assertArrayEquals(first.logits, Feeding.of(model, restored, event).logits);
      assertTrue(first.labels.get(0)[0] >= 0 && first.labels.get(0)[0] < 2);
      float[] received = first.scores.get(first.scores.size() - 2);
      float sum = 0;
      for (float each : received) {
        sum += each;
      }
      assertEquals(1, sum, 1e-5, "each row gives away one in all");
      try (SequenceState other = Feeding.memory(model, Event.ofTokens(7, 7))) {
        assertTrue(first.logits[0] != Feeding.of(model, other, event).logits[0]);
      }
    }
  }

  @Test
  void modelsWhoseItemsCompeteDoNotPromiseTheSameBitsInAnyBatch() {
    Capacity capacity =
        new Capacity.Limited(
            new Capacity.Size.Fixed(2), Capacity.Population.DISPATCH, Capacity.Priority.POSITION);
    FeedForward network = FeedForward.plain(4, Activation.RELU);
    ModelSpec spec = single(new Mixture(2, network, Routers.switchTop1(capacity)));
    LoadOptions options =
        LoadOptions.defaults().withLimit(Dependence.BATCH).accepting("blocks.0.mixture");
    try (LoadedModel model = new OnnxBackend().load(spec, Weights.random(spec, 1), options)) {
      assertTrue(model.numerics().kind() != Numerics.Kind.BITWISE_BATCH_INVARIANT);
      assertTrue(model.numerics().notes().containsAll(options.notes(spec)));
      assertTrue(options.notes(spec).size() > 0);
    }
  }

  private static double[] convolve(Plain plain, String path, double[] window, double[] u) {
    double[] weight = plain.vector(path + "convolution.weight");
    double[] result = plain.vector(path + "convolution.bias");
    for (int c = 0; c < 6; c++) {
      for (int t = 0; t < 3; t++) {
        result[c] += weight[c * 4 + t] * window[t * 6 + c];
      }
      result[c] = silu(result[c] + weight[c * 4 + 3] * u[c]);
    }
    System.arraycopy(window, 6, window, 0, 12);
    System.arraycopy(u, 0, window, 12, 6);
    return result;
  }

  private static double silu(double x) {
    return x / (1 + Math.exp(-x));
  }

  private static ModelSpec single(Operation operation) {
    Block block = Block.of(Sublayer.preNorm(new Norm.Rms(1e-5), operation));
    return new ModelSpec(
        "single",
        WIDTH,
        new Input.Tokens(17, 64),
        Embedding.plain(),
        Plan.of(block),
        new Head(Head.Pool.EACH, null, 5, true));
  }

  private static double[][] embedded(Plain plain) {
    double[][] x = new double[ROWS][];
    Arrays.setAll(x, t -> plain.look("embedding.tokens", EVENT.token(t), WIDTH));
    return x;
  }

  private static double[] answers(Plain plain, double[][] x) {
    return Arrays.stream(x)
        .flatMapToDouble(row -> Arrays.stream(plain.linear("head", true, row)))
        .toArray();
  }

  private static Feeding run(ModelSpec spec, Weights weights) {
    try (LoadedModel model = new OnnxBackend().load(spec, weights, LoadOptions.defaults());
        SequenceState state = model.newState(null)) {
      return Feeding.of(model, state, EVENT);
    }
  }

  private static void close(double[] expected, float[] got) {
    assertEquals(expected.length, got.length);
    for (int i = 0; i < got.length; i++) {
      assertEquals(expected[i], got[i], 2e-5, "number " + i);
    }
  }
}
