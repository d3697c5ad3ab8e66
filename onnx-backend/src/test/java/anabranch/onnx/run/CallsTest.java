package anabranch.onnx.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import anabranch.backend.Activations;
import anabranch.backend.Event;
import anabranch.backend.LoadOptions;
import anabranch.backend.LoadedModel;
import anabranch.backend.Rows;
import anabranch.backend.Span;
import anabranch.backend.StageBatch;
import anabranch.backend.StageResult;
import anabranch.model.Embedding;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Block;
import anabranch.model.layer.Bypass;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Criterion;
import anabranch.model.plan.Exit;
import anabranch.model.plan.Head;
import anabranch.model.plan.Plan;
import anabranch.model.route.Routers;
import anabranch.onnx.OnnxBackend;
import anabranch.weights.Weights;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a stage keeps for its next call is seen neither by that nor by one beside it. */
class CallsTest {
  private static final int FEATURES = 3;
  private static final int OUTPUTS = 4;
  private static final Norm NORM = new Norm.Rms(1e-5);

  private final LoadedModel model = load();

  @AfterEach
  void close() {
    model.close();
  }

  /** A layer of experts behind which rows may leave, and another one. */
  private static LoadedModel load() {
    Mixture mixture =
        new Mixture(3, FeedForward.plain(8, Activation.RELU), Routers.mixtral(2), true);
    Block block = Block.of(Sublayer.preNorm(NORM, mixture));
    Head head = new Head(Head.Pool.EACH, NORM, OUTPUTS, false);
    Exit exit = new Exit("early", head, Criterion.confidence(), Bypass.TERMINATE);
    ModelSpec spec =
        new ModelSpec(
            "calls",
            6,
            new Input.Features(FEATURES, 20),
            Embedding.plain(),
            Plan.builder().add(block).add(exit).add(block).build(),
            head);
    return new OnnxBackend().load(spec, Weights.random(spec, 3), LoadOptions.defaults());
  }

  private static Event event(int rows, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    float[] values = new float[rows * FEATURES];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextDouble();
    }
    return Event.ofFeatures(FEATURES, values);
  }

  private static Event broken(int rows) {
    float[] values = new float[rows * FEATURES];
    Arrays.fill(values, Float.NaN);
    return Event.ofFeatures(FEATURES, values);
  }

  private static StageBatch batch(
      int slot, Event event, @Nullable Activations before, boolean trace) {
    int rows = event.rows();
    Event[] events = new Event[rows];
    Arrays.fill(events, event);
    @Nullable Activations[] from = new @Nullable Activations[rows];
    Arrays.fill(from, before);
    int[] index = new int[rows];
    Arrays.setAll(index, i -> i);
    byte[] flags = new byte[rows];
    Arrays.fill(flags, Rows.SCORED);
    Rows all = new Rows(events, from, index, index, flags);
    return new StageBatch(slot, List.of(new Span(null, all)), trace);
  }

  private static StageResult run(
      LoadedModel of, int slot, Event event, @Nullable Activations before, boolean trace) {
    return of.stages().get(slot).run(batch(slot, event, before, trace));
  }

  /** Returns all that both stages say of an event. */
  private static List<Object> said(LoadedModel of, Event event, boolean trace) {
    List<Object> said = new ArrayList<>();
    try (StageResult first = run(of, 0, event, null, trace);
        Activations rows = first.rows()) {
      tell(first, event.rows(), said);
      try (StageResult second = run(of, 1, event, rows, trace);
          Activations last = second.rows()) {
        tell(second, event.rows(), said);
      }
    } catch (ArithmeticException refused) {
      said.add(String.valueOf(refused.getMessage()));
    }
    return said;
  }

  private static void tell(StageResult result, int rows, List<Object> into) {
    FloatBuffer scores = result.scores();
    float[] values = new float[scores.remaining()];
    scores.get(values);
    into.add(Arrays.toString(values));
    into.add(result.labels().remaining());
    into.add(result.trace().choices().size());
    into.add(logits(result, rows));
  }

  private static String logits(StageResult result, int rows) {
    int[] units = new int[rows];
    Arrays.setAll(units, i -> i);
    ByteBuffer logits = ByteBuffer.allocate(4 * OUTPUTS * rows).order(ByteOrder.BIG_ENDIAN);
    result.output(units, logits);
    return Arrays.toString(logits.array());
  }

  @Test
  void aCallIsAnsweredAsIfItWereTheFirst() {
    int seed = 0;
    for (int rows : new int[] {1, 3, 1, 1, 2, 5, 1}) {
      for (boolean trace : new boolean[] {false, true, false}) {
        for (Event event : List.of(event(rows, seed++), broken(rows))) {
          try (LoadedModel fresh = load()) {
            assertEquals(said(fresh, event, trace), said(model, event, trace));
          }
        }
      }
    }
  }

  @Test
  void rowsStayAsTheyAreWhileOthersRun() {
    Event event = event(3, 1);
    List<Object> alone = said(model, event, false);
    StageResult first = run(model, 0, event, null, false);
    try (Activations rows = first.rows()) {
      first.close();
      for (int other = 2; other < 6; other++) {
        said(model, event(3, other), true);
      }
      List<Object> late = new ArrayList<>();
      try (StageResult second = run(model, 1, event, rows, false);
          Activations last = second.rows()) {
        tell(second, 3, late);
      }
      assertEquals(alone.subList(4, 8), late);
    }
  }

  @Test
  void aResultThatIsClosedStaysClosedWhileOthersRun() {
    List<Object> alone = said(model, event(3, 2), false);
    StageResult first = run(model, 0, event(3, 1), null, false);
    first.rows().close();
    first.close();
    first.close();
    assertEquals(alone, said(model, event(3, 2), false));
    StageResult second = run(model, 0, event(3, 2), null, false);
    String logits = logits(second, 3);
    first.close();
    IllegalStateException refused =
        assertThrows(IllegalStateException.class, () -> logits(first, 3));
    assertEquals("the result is closed", refused.getMessage());
    assertEquals(logits, logits(second, 3));
    second.rows().close();
    second.close();
  }

  @Test
  void callsBesideEachOtherAnswerWhatEachWasAsked()
      throws InterruptedException, ExecutionException {
    ExecutorService threads = Executors.newFixedThreadPool(3);
    try {
      List<Future<?>> running = new ArrayList<>();
      for (int thread = 0; thread < 3; thread++) {
        Event event = event(1 + thread, 10 + thread);
        boolean trace = thread == 1;
        List<Object> expected = said(model, event, trace);
        running.add(
            threads.submit(
                () -> {
                  for (int i = 0; i < 300; i++) {
                    assertEquals(expected, said(model, event, trace));
                  }
                }));
      }
      for (Future<?> each : running) {
        each.get();
      }
    } finally {
      threads.shutdown();
    }
  }

  @Test
  void neitherAnswersNorErrorsKeepBuffers() {
    said(model, event(2, 1), true);
    said(model, broken(2), true);
    long made = ((OnnxModel) model).madeBytes();
    for (int i = 0; i < 50; i++) {
      said(model, event(2, i), i % 2 == 0);
      said(model, broken(2), i % 3 == 0);
    }
    assertEquals(made, ((OnnxModel) model).madeBytes());
  }
}
