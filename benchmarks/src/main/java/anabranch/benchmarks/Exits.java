package anabranch.benchmarks;

import anabranch.backend.Event;
import anabranch.backend.LoadOptions;
import anabranch.engine.Backends;
import anabranch.engine.Engine;
import anabranch.engine.EngineOptions;
import anabranch.engine.Inference;
import anabranch.engine.Item;
import anabranch.engine.Policy;
import anabranch.model.Activation;
import anabranch.model.Attention;
import anabranch.model.Block;
import anabranch.model.Embedding;
import anabranch.model.Exit;
import anabranch.model.FeedForward;
import anabranch.model.Head;
import anabranch.model.Input;
import anabranch.model.Mixture;
import anabranch.model.ModelSpec;
import anabranch.model.Norm;
import anabranch.model.Plan;
import anabranch.model.Sublayer;
import anabranch.model.route.Routers;
import anabranch.weights.Weights;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;

/**
 * How much of the arithmetic that exits save is saved as time: the same items at full depth and
 * with a forced share of rows leaving behind the second of six blocks, in turn, on one lane.
 */
final class Exits {
  private static final double[] SHARES = {0.25, 0.5, 0.75, 1};
  private static final int ITEMS = 40;
  private static final int MOST_ROWS = 100;

  private Exits() {}

  static String run(String backend, int rounds) {
    ModelSpec spec = spec();
    StringBuilder report = new StringBuilder();
    try (Weights weights = Weights.random(spec, 1);
        Engine engine =
            Engine.open(
                Backends.named(backend).load(spec, weights, LoadOptions.defaults()),
                Policy.fullDepth(),
                EngineOptions.defaults().withBatchRows(1 << 20))) {
      List<Item> full = items();
      Contest contest = new Contest().side("full depth", () -> answers(engine, full));
      for (double share : SHARES) {
        List<Item> leaving = leaving(full, share);
        requireSameAlone(engine, leaving);
        contest.side(name(share), () -> answers(engine, leaving));
      }
      Map<String, Long> medians = contest.medians(rounds / 2 + 1, rounds);
      long rows = full.stream().mapToLong(item -> item.event().rows()).sum();
      long best = medians.get("full depth");
      line(report, "%-28s %9s %12s %12s", "", "rows/s", "time saved", "arithmetic saved");
      line(report, "%-28s %9.0f", "full depth", 1e9 * rows / best);
      for (double share : SHARES) {
        long nanos = medians.get(name(share));
        line(
            report,
            "%-28s %9.0f %10.1f %% %10.1f %%",
            name(share),
            1e9 * rows / nanos,
            100.0 * (best - nanos) / best,
            100 * saved(answers(engine, leaving(full, share))));
      }
      line(report, "computed on %s", engine.numerics().device());
    }
    return report.toString();
  }

  private static String name(double share) {
    return String.format(Locale.ROOT, "%.0f %% leave after block 2", 100 * share);
  }

  private static void line(StringBuilder report, String format, Object... values) {
    report.append(String.format(Locale.ROOT, format, values)).append('\n');
  }

  private static double saved(List<Inference> answers) {
    long ran = answers.stream().mapToLong(Inference::flops).sum();
    long full = answers.stream().mapToLong(Inference::fullFlops).sum();
    return 1 - (double) ran / full;
  }

  private static List<Inference> answers(Engine engine, List<Item> items) {
    return engine.submitAll(items).stream().map(CompletableFuture::join).toList();
  }

  /** Fails unless items that leave early answer the same alone as together. */
  private static void requireSameAlone(Engine engine, List<Item> items) {
    List<Inference> together = answers(engine, items);
    for (int i = 0; i < items.size(); i++) {
      Inference alone = engine.infer(items.get(i));
      for (int unit = 0; unit < alone.units(); unit++) {
        if (!alone.logits(unit).equals(together.get(i).logits(unit))) {
          throw new AssertionError("item " + i + ", row " + unit + " differs alone");
        }
      }
    }
  }

  private static List<Item> items() {
    SplittableRandom random = new SplittableRandom(5);
    List<Item> items = new ArrayList<>();
    for (int i = 0; i < ITEMS; i++) {
      int[] ids = random.ints(random.nextInt(MOST_ROWS / 4, MOST_ROWS), 0, 257).toArray();
      items.add(Item.of("item" + i, Event.ofTokens(ids)));
    }
    return items;
  }

  private static List<Item> leaving(List<Item> items, double share) {
    SplittableRandom random = new SplittableRandom(6);
    List<Item> leaving = new ArrayList<>();
    for (Item item : items) {
      List<Integer> exits = new ArrayList<>();
      for (int row = 0; row < item.event().rows(); row++) {
        exits.add(random.nextDouble() < share ? 0 : 1);
      }
      leaving.add(item.withForcedExits(exits));
    }
    return leaving;
  }

  private static ModelSpec spec() {
    Norm norm = new Norm.Layer(1e-5);
    Mixture experts =
        new Mixture(8, FeedForward.plain(256, Activation.RELU_SQUARED), Routers.switchTop1());
    Block block =
        Block.of(Sublayer.preNorm(norm, Attention.causal(4, 32)), Sublayer.preNorm(norm, experts));
    Head head = new Head(Head.Pool.EACH, norm, 256, true);
    Exit early = new Exit("early", head, Exit.Criterion.confidence(), Exit.Bypass.FREEZE_PROJECT);
    return new ModelSpec(
        "exits",
        128,
        new Input.Tokens(257, MOST_ROWS),
        Embedding.withPositions(),
        new Plan(List.of(block, block, early, block, block, block, block)),
        head);
  }
}
