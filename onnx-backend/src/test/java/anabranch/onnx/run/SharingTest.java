package anabranch.onnx.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.Activations;
import anabranch.backend.Event;
import anabranch.backend.Numerics;
import anabranch.backend.Rows;
import anabranch.backend.Span;
import anabranch.backend.StageBatch;
import anabranch.backend.StageResult;
import anabranch.model.Embedding;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.facts.Cut;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Block;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Norm;
import anabranch.model.layer.RoutedHeads;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Head;
import anabranch.model.plan.Plan;
import anabranch.model.route.Routers;
import anabranch.onnx.crew.Crew;
import anabranch.onnx.format.Products;
import anabranch.onnx.graph.Kernels;
import anabranch.onnx.graph.MemberGraphs;
import anabranch.onnx.session.NativeRuntime;
import anabranch.onnx.session.Opener;
import anabranch.onnx.session.Session;
import anabranch.weights.MemoryWeights;
import anabranch.weights.Weights;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a crew shares has the bits of what one thread computes, or fails as a whole. */
@Timeout(120)
class SharingTest {
  private static final int MOST = 300;
  private static final int INNER = 256;
  private static final int[] ROWS = {1, 2, 40, 150, MOST};
  private static final int REPEATS = 10;
  private static final Norm RMS = new Norm.Rms(1e-5);

  private final List<Thread> made = Collections.synchronizedList(new ArrayList<>());

  private static Opener opener(Weights weights, Crew crew) {
    return new Opener(
        weights, NativeRuntime.get(1), Session.CPU, Kernels.CPU, 1, Products.FP32, crew);
  }

  private static OnnxModel load(ModelSpec spec, Crew crew) {
    return load(spec, opener(Weights.random(spec, 5), crew));
  }

  private static OnnxModel load(ModelSpec spec, Opener opener) {
    Numerics numerics = new Numerics(Numerics.Kind.TOLERANT, 1e-5, 1e-5, "cpu", "fp32", List.of());
    return Loader.load(spec, opener, MemberGraphs.Form.SINGLE, numerics, false, false);
  }

  private Crew crew(int threads) {
    return new Crew(
        threads,
        task -> {
          Thread thread = new Thread(task);
          thread.setDaemon(true);
          made.add(thread);
          return thread;
        });
  }

  @Test
  void rowsHaveTheSameBitsHoweverManyThreadsShareThem() {
    for (ModelSpec spec : List.of(mixtures(), heads())) {
      List<float[]> alone;
      long calls;
      try (OnnxModel model = load(spec, Crew.alone())) {
        alone = answers(model);
        calls = model.calls();
      }
      for (int threads = 2; threads <= 4; threads++) {
        try (OnnxModel model = load(spec, crew(threads))) {
          for (int i = 0; i < REPEATS; i++) {
            long before = model.calls();
            requireSame(alone, answers(model));
            assertTrue(threads < 4 || model.calls() - before > calls, "no rows are cut");
          }
        }
      }
      float[] longest = alone.get(ROWS.length - 1);
      for (float[] answer : alone) {
        assertArrayEquals(Arrays.copyOf(longest, answer.length), answer, spec.name());
      }
    }
  }

  private static void requireSame(List<float[]> expected, List<float[]> answers) {
    for (int i = 0; i < ROWS.length; i++) {
      assertArrayEquals(expected.get(i), answers.get(i), ROWS[i] + " rows");
    }
  }

  @Test
  void manyCallersGetTheBitsOfOne() {
    try (OnnxModel model = load(mixtures(), crew(3))) {
      List<float[]> alone = answers(model);
      List<CompletableFuture<List<float[]>>> callers = new ArrayList<>();
      for (int caller = 0; caller < 4; caller++) {
        callers.add(
            CompletableFuture.supplyAsync(
                () -> answers(model), task -> new Thread(task, "caller").start()));
      }
      callers.forEach(each -> requireSame(alone, each.join()));
      assertEquals(2, made.size());
    }
  }

  /** One session after the other is closed behind the back of a model, experts among them. */
  @Test
  void aGraphThatFailsEndsTheCallAndBuffersComeBack() {
    ModelSpec spec = mixtures();
    int graphs = 1;
    int failed = 0;
    for (int graph = 0; graph < graphs; graph++) {
      Opener opener = opener(Weights.random(spec, 5), crew(3));
      try (OnnxModel model = load(spec, opener)) {
        assertNull(failure(model));
        long bytes = model.madeBytes();
        graphs = opener.opened().size();
        opener.opened().get(graph).close();
        failed += failure(model) == null ? 0 : 1;
        for (int i = 0; i < 60; i++) {
          String said = failure(model);
          assertTrue(said == null || said.contains("closed"), said);
        }
        // How many pieces have been on their way at once differs from call to call.
        long pieces = 3 * (bytes(MOST * spec.width()) + bytes(MOST * 2 * INNER));
        assertTrue(model.madeBytes() <= bytes + pieces, model.madeBytes() + " of " + bytes);
      }
    }
    assertEquals(graphs - 1, failed, "all but the head are called");
  }

  private static long bytes(int numbers) {
    return (long) Float.BYTES * Integer.highestOneBit(2 * numbers);
  }

  /** Runs the first stage; returns what was wrong. */
  private static @Nullable String failure(OnnxModel model) {
    Event[] events = new Event[MOST];
    Arrays.fill(events, Event.ofTokens(tokens(MOST)));
    int[] ids = new int[MOST];
    Arrays.setAll(ids, row -> row);
    Rows rows = new Rows(events, new Activations[MOST], ids, ids, new byte[MOST]);
    StageBatch batch = new StageBatch(0, List.of(new Span(null, rows)), false);
    try (StageResult result = model.stages().get(0).run(batch)) {
      result.rows().close();
      return null;
    } catch (IllegalStateException failure) {
      return String.valueOf(failure.getMessage());
    }
  }

  @Test
  void threadsEndWithTheLastModelThatNeedsThem() throws InterruptedException {
    Crew crew = crew(3);
    OnnxModel first = load(mixtures(), crew);
    OnnxModel second = load(mixtures(), crew);
    first.close();
    first.close();
    answers(second);
    assertEquals(2, made.size());
    assertTrue(made.stream().allMatch(Thread::isAlive));
    second.close();
    for (Thread thread : made) {
      thread.join(20_000);
      assertFalse(thread.isAlive());
    }
    String said = assertThrows(IllegalStateException.class, () -> answers(second)).getMessage();
    assertTrue(said.contains("is closed"), said);
  }

  @Test
  void aLoadThatFailsMakesNoThread() {
    Opener opener = opener(MemoryWeights.of(List.of()), crew(3));
    assertThrows(RuntimeException.class, () -> load(mixtures(), opener));
    assertEquals(List.of(), made);
  }

  private static List<float[]> answers(OnnxModel model) {
    List<float[]> answers = new ArrayList<>();
    for (int rows : ROWS) {
      int[] exits = new int[rows];
      Arrays.fill(exits, Cut.of(model.spec()).steps().size() - 1);
      answers.addAll(
          new Passes(model).run(List.of(Event.ofTokens(tokens(rows))), List.of(exits), MOST));
    }
    return answers;
  }

  private static int[] tokens(int rows) {
    int[] tokens = new int[rows];
    Arrays.setAll(tokens, row -> (row + row / 7) % 23);
    return tokens;
  }

  /**
   * Rows see four members each, so that the order of a sum shows in its bits: experts, members that
   * are none, one that is weighed before.
   */
  private static ModelSpec mixtures() {
    FeedForward network = FeedForward.gated(INNER, Activation.SILU);
    Mixture specials =
        new Mixture(6, network, Routers.longcat(4, 1.5))
            .withSpecials(new Mixture.Specials(1, 1, 1));
    Mixture weighed = new Mixture(3, network, Routers.llama4(1)).withShared(network, false);
    return spec(
        "mixtures",
        Sublayer.preNorm(RMS, specials),
        new Sublayer("weighed", RMS, weighed, null, null));
  }

  /** Heads and projections that rows pick. */
  private static ModelSpec heads() {
    Attention routed =
        Attention.causal(4, 32).withRouted(new RoutedHeads(5, Routers.granite(2), true));
    Attention projected =
        Attention.causal(2, 64)
            .withProjections(new Attention.RoutedProjections(5, Routers.switchHead(3)));
    return spec(
        "heads",
        Sublayer.preNorm(RMS, routed),
        new Sublayer("projected", RMS, projected, null, null));
  }

  private static ModelSpec spec(String name, Sublayer... sublayers) {
    return new ModelSpec(
        name,
        64,
        new Input.Tokens(23, MOST),
        Embedding.plain(),
        Plan.of(Block.of(sublayers)),
        new Head(Head.Pool.EACH, RMS, 23, false));
  }
}
