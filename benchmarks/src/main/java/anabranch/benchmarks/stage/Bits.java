package anabranch.benchmarks.stage;

import anabranch.backend.Event;
import anabranch.backend.LoadOptions;
import anabranch.backend.Trace;
import anabranch.benchmarks.measure.Contest;
import anabranch.benchmarks.measure.Finding;
import anabranch.benchmarks.measure.Limits;
import anabranch.benchmarks.measure.Report;
import anabranch.engine.Backends;
import anabranch.engine.Engine;
import anabranch.engine.EngineOptions;
import anabranch.engine.Inference;
import anabranch.engine.Item;
import anabranch.engine.Policy;
import anabranch.engine.Sequence;
import anabranch.model.Embedding;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Attention;
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
import anabranch.onnx.OnnxOptions;
import anabranch.onnx.Precision;
import anabranch.onnx.format.Products;
import anabranch.weights.Weights;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Products of 8 bits against fp32, on one lane and one thread: one feed-forward network at several
 * numbers of rows, beside its bare products, and a whole mixture of experts that reads a long event
 * and then one token at a time; how far the numbers are apart, and how often both decide alike.
 */
public final class Bits {
  private static final Norm NORM = new Norm.Rms(1e-5);
  private static final int VOCABULARY = 512;
  private static final int LONGEST = 4096;
  private static final int DECODED = 16;

  /** How far bare products may be off. */
  private static final double NEAR = 0.03;

  private Bits() {}

  /** Sizes of what is measured. */
  record Sizes(int width, List<Integer> counts, int model, int inner, int layers, int rows) {}

  /** Measures. */
  public static void run(String backend, int rounds, Report report) {
    try (Limits limits = new Limits()) {
      report.limits(limits.probe());
      Sizes sizes = new Sizes(768, List.of(1, 8, 64, 512), 512, 1024, 4, 512);
      run(backend, sizes, rounds, report);
      report.limits(limits.probe());
    }
  }

  static void run(String backend, Sizes sizes, int rounds, Report report) {
    for (int count : sizes.counts) {
      network(sizes.width, count, count < 64 ? 5 * rounds : rounds, report);
    }
    model(backend, sizes, rounds, report);
  }

  private static void network(int width, int count, int rounds, Report report) {
    FeedForward network = FeedForward.plain(4 * width, Activation.RELU);
    ModelSpec spec =
        new ModelSpec(
            "network",
            width,
            new Input.Tokens(count, count),
            Embedding.plain(),
            Plan.of(Block.of(Sublayer.preNorm(NORM, network))),
            new Head(Head.Pool.EACH, null, 1, false));
    float[] before = new float[count * width];
    String path = "blocks.0." + Sublayer.nameOf(network);
    try (Weights weights = Weights.random(spec, 1);
        Kernels whole = new Kernels(spec, weights, count);
        Kernels again = new Kernels(spec, weights, count);
        Kernels bits = new Kernels(spec, weights, count, Products.INT8)) {
      for (Kernels each : List.of(whole, again, bits)) {
        weights.tensor("embedding.tokens").copyTo(each.rows().duplicate());
        each.rows().get(0, before);
        each.prepare(count);
      }
      var bare = BareNetwork.Parameters.of(weights, path, NORM.epsilon());
      var rows = BareNetwork.Rows.of(bare, before);
      try (BareNetwork products = BareNetwork.products(bare, rows, false);
          BareNetwork smallProducts = BareNetwork.products(bare, rows, true);
          BareNetwork known = BareNetwork.known(bare, rows)) {
        // Both sides of 8 bits follow one of fp32, and so find caches in the same state.
        Map<String, Contest.Times> times =
            new Contest()
                .side("fp32", whole::run)
                .side("int8", bits::run)
                .side("fp32 again", again::run)
                .side("int8 of known scales", known::run)
                .run(5, rounds);
        times.putAll(
            new Contest()
                .side("fp32 products", products::run)
                .side("int8 products", smallProducts::run)
                .run(5, rounds));
        float[] exact = copy(whole, count * width);
        requireNear(before, exact, known.results());
        requireNear(new float[exact.length], products.results(), smallProducts.results());
        String name = "bits.network.D" + width + ".T" + count;
        report.note(
            "%s: %s; error %.2f %% of what the network adds",
            name,
            times.entrySet().stream()
                .map(each -> each.getKey() + " " + micros(each.getValue()) + " us")
                .collect(Collectors.joining(", ")),
            100 * error(before, exact, copy(bits, count * width)));
        double[] floors = times.get("int8 of known scales").busyRatiosOver(times.get("fp32 again"));
        report.finding(finding(name, times, 2.5).withFloor(Contest.median(floors)));
        double[] ratios = times.get("int8 products").busyRatiosOver(times.get("fp32 products"));
        report.finding(Finding.of(name + ".products.fp32/int8", ratios));
      }
    }
  }

  private static String micros(Contest.Times times) {
    return String.format(Locale.ROOT, "%.0f", times.busyMedian() / 1e3);
  }

  private static void requireNear(float[] before, float[] exact, float[] near) {
    double off = error(before, exact, near);
    if (!(off < NEAR)) {
      throw new AssertionError("bare products of 8 bits are off by " + off + " of their size");
    }
  }

  private static float[] copy(Kernels kernels, int count) {
    float[] copy = new float[count];
    kernels.rows().get(0, copy);
    return copy;
  }

  private static double error(float[] before, float[] exact, float[] near) {
    double off = 0;
    double all = 0;
    for (int i = 0; i < exact.length; i++) {
      off += Math.pow(near[i] - exact[i], 2);
      all += Math.pow(exact[i] - before[i], 2);
    }
    return Math.sqrt(off / all);
  }

  private static Finding finding(String name, Map<String, Contest.Times> times, double goal) {
    double[] ratios = times.get("int8").busyRatiosOver(times.get("fp32"));
    return Finding.of(name + ".fp32/int8", ratios).atLeast(goal);
  }

  private static void model(String backend, Sizes sizes, int rounds, Report report) {
    ModelSpec spec = spec(sizes);
    try (Weights weights = Weights.random(spec, 1);
        Engine whole = open(backend, spec, weights, Precision.FP32);
        Engine bits = open(backend, spec, weights, Precision.INT8)) {
      int[] tokens = IntStream.range(0, sizes.rows).map(i -> i * 31 % VOCABULARY).toArray();
      Item item = Item.of("long", Event.ofTokens(tokens));
      Item decoded = Item.of("next", Event.ofTokens(Arrays.copyOf(tokens, DECODED)));
      agreement(item, whole, bits, report);
      Map<String, Contest.Times> prefill =
          new Contest()
              .side("fp32", () -> whole.infer(item))
              .side("int8", () -> bits.infer(item))
              .run(3, rounds);
      report.finding(finding("bits.model.prefill" + sizes.rows, prefill, 1.4));
      try (Sequence one = whole.begin("one");
          Sequence other = bits.begin("other")) {
        Map<String, Contest.Times> decode =
            new Contest()
                .side("fp32", () -> decode(one, decoded))
                .side("int8", () -> decode(other, decoded))
                .run(5, rounds);
        report.finding(finding("bits.model.decode", decode, 1.5));
        report.note(
            "bits.model: event of %d rows fp32 %.1f ms, int8 %.1f ms; a token fp32 %.2f ms, int8"
                + " %.2f ms",
            sizes.rows,
            prefill.get("fp32").busyMedian() / 1e6,
            prefill.get("int8").busyMedian() / 1e6,
            decode.get("fp32").busyMedian() / 1e6 / DECODED,
            decode.get("int8").busyMedian() / 1e6 / DECODED);
      }
    }
  }

  private static void decode(Sequence sequence, Item tokens) {
    for (int i = 0; i < tokens.event().rows(); i++) {
      sequence.submit(Event.ofTokens(tokens.event().token(i))).join();
    }
  }

  private static void agreement(Item item, Engine whole, Engine bits, Report report) {
    Inference exact = whole.infer(item);
    Inference near = bits.infer(item);
    double off = 0;
    double all = 0;
    int labels = 0;
    for (int unit = 0; unit < exact.units(); unit++) {
      for (int c = 0; c < exact.outputs(); c++) {
        off += Math.pow(near.logits(unit).get(c) - exact.logits(unit).get(c), 2);
        all += Math.pow(exact.logits(unit).get(c), 2);
      }
      labels += near.label(unit) == exact.label(unit) ? 1 : 0;
    }
    Inference early = whole.infer(item.withPolicy(Policy.named("early").with("early", 0)));
    double threshold = median(early);
    Policy half = Policy.named("half").with("early", threshold);
    Inference left = whole.infer(item.withPolicy(half));
    Inference own = bits.infer(item.withPolicy(half));
    int exits = 0;
    for (int unit = 0; unit < left.units(); unit++) {
      exits += left.exit(unit) == own.exit(unit) ? 1 : 0;
    }
    report.note(
        "bits.model: logits off by %.2f %% of their size; of rows %.1f %% have the same best label,"
            + " %.1f %% leave at the same place where half leave; of %d choices of experts %.1f %%"
            + " are the same two",
        100 * Math.sqrt(off / all),
        100.0 * labels / exact.units(),
        100.0 * exits / left.units(),
        exact.choices().size() * exact.units(),
        100 * same(exact.choices(), near.choices(), exact.units()));
  }

  /** Returns the threshold at which half of the rows leave. */
  private static double median(Inference early) {
    double[] scores = new double[early.units()];
    Arrays.setAll(scores, early::score);
    return Contest.median(scores);
  }

  private static double same(List<Trace.Choices> exact, List<Trace.Choices> near, int rows) {
    int same = 0;
    for (int router = 0; router < exact.size(); router++) {
      for (int row = 0; row < rows; row++) {
        same += taken(exact.get(router), row).equals(taken(near.get(router), row)) ? 1 : 0;
      }
    }
    return (double) same / (exact.size() * rows);
  }

  private static TreeSet<Integer> taken(Trace.Choices choices, int row) {
    TreeSet<Integer> taken = new TreeSet<>();
    for (int i = 0; i < choices.k(); i++) {
      taken.add(choices.experts().get(row * choices.k() + i));
    }
    return taken;
  }

  private static Engine open(String backend, ModelSpec spec, Weights weights, Precision precision) {
    LoadOptions options =
        OnnxOptions.defaults().withPrecision(precision).into(LoadOptions.defaults());
    return Engine.open(
        Backends.named(backend).load(spec, weights, options),
        Policy.fullDepth(),
        EngineOptions.defaults().withTrace(true));
  }

  private static ModelSpec spec(Sizes sizes) {
    FeedForward expert = FeedForward.gated(sizes.inner, Activation.SILU);
    Block block =
        Block.of(
            Sublayer.preNorm(NORM, Attention.causal(8, sizes.model / 8).withRotary(10000)),
            Sublayer.preNorm(NORM, new Mixture(8, expert, Routers.mixtral(2))));
    Head head = new Head(Head.Pool.EACH, NORM, VOCABULARY, false);
    Plan.Builder plan = Plan.builder();
    for (int layer = 0; layer < sizes.layers; layer++) {
      plan.add(block);
      if (layer == sizes.layers / 2 - 1) {
        plan.add(new Exit("early", head, Criterion.confidence(), Bypass.FREEZE_SHARE_KV));
      }
    }
    Input input = new Input.Tokens(VOCABULARY, LONGEST);
    return new ModelSpec("bits", sizes.model, input, Embedding.plain(), plan.build(), head);
  }
}
