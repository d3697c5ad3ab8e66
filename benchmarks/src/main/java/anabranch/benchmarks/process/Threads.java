package anabranch.benchmarks.process;

import anabranch.backend.LoadOptions;
import anabranch.backend.LoadedModel;
import anabranch.benchmarks.measure.Contest;
import anabranch.benchmarks.measure.Finding;
import anabranch.benchmarks.measure.Report;
import anabranch.engine.Engine;
import anabranch.engine.EngineOptions;
import anabranch.engine.Inference;
import anabranch.engine.Item;
import anabranch.engine.Policy;
import anabranch.onnx.OnnxOptions;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * One call of 512 rows with one and with two threads: each in a JVM of its own, because a JVM has
 * one pool, in turn, and with equal bits. The floor is what two threads are worth that share
 * nothing but the machine: each runs half of the bare experts. Only an idle machine shows it.
 */
public final class Threads {
  private static final int WARM_UPS = 400;

  /** Calls of one row: until what runs once a call is compiled too. */
  private static final int SHORT_WARM_UPS = 6000;

  private Threads() {}

  /** Measures. */
  public static void run(Path weights, int rounds, Report report) {
    try (Child one = new Child(Threads.class, List.of(), weights.toString(), "1");
        Child two = new Child(Threads.class, List.of(), weights.toString(), "2")) {
      if (!one.hear().equals(two.hear())) {
        throw new AssertionError("one and two threads answer with different bits");
      }
      Map<String, double[]> nanos = new LinkedHashMap<>();
      for (int round = 0; round < rounds; round++) {
        for (String side : List.of("run 1", "run 2", "bare 1", "bare 2", "halved 1")) {
          String[] words = side.split(" ");
          Child child = words[1].equals("1") ? one : two;
          nanos.computeIfAbsent(side, none -> new double[rounds])[round] =
              Double.parseDouble(child.ask(words[0]));
        }
      }
      report.note(
          "threads: ours %.1f ms with one, %.1f with two; bare experts %.1f, %.1f with two for each"
              + " product, %.1f with half of the experts for each",
          millis(nanos.get("run 1")),
          millis(nanos.get("run 2")),
          millis(nanos.get("bare 1")),
          millis(nanos.get("bare 2")),
          millis(nanos.get("halved 1")));
      double[] floors = ratios(nanos.get("bare 1"), nanos.get("halved 1"));
      report.finding(
          Finding.of("threads.T512.two/one", ratios(nanos.get("run 1"), nanos.get("run 2")))
              .atLeast(1.8)
              .withFloor(Contest.median(floors)));
      double[] products = ratios(nanos.get("bare 1"), nanos.get("bare 2"));
      report.finding(Finding.of("threads.T512.products.two/one", products));
    }
  }

  private static double millis(double[] nanos) {
    return Contest.median(nanos) / 1e6;
  }

  private static double[] ratios(double[] of, double[] to) {
    double[] ratios = new double[of.length];
    Arrays.setAll(ratios, round -> of[round] / to[round]);
    return ratios;
  }

  /** Answers each line with the nanoseconds that a call took; the first line says the bits. */
  public static void main(String[] args) throws IOException {
    int threads = Integer.parseInt(args[1]);
    LoadOptions options = OnnxOptions.defaults().withThreads(threads).into(LoadOptions.defaults());
    Item item = Wide.item(Wide.ROWS);
    try (LoadedModel model = Wide.load("onnx", Path.of(args[0]), options);
        Engine engine =
            Engine.open(
                model, Policy.fullDepth(), EngineOptions.defaults().withBatchRows(Wide.ROWS));
        BareExperts bare = new BareExperts(Path.of(args[0]), threads);
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in))) {
      Item row = Wide.item(1);
      for (int i = 0; i < SHORT_WARM_UPS; i++) {
        engine.infer(row);
      }
      List<Float> bits = new ArrayList<>();
      for (int i = 0; i < WARM_UPS; i++) {
        Inference answer = engine.infer(item);
        float[] logits = new float[answer.outputs()];
        answer.logits(0).get(logits);
        bits = new ArrayList<>();
        for (float logit : logits) {
          bits.add(logit);
        }
        bare.halved();
      }
      System.out.println(Arrays.toString(bits.stream().map(Float::floatToRawIntBits).toArray()));
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        long start = System.nanoTime();
        switch (line) {
          case "run" -> engine.infer(item);
          case "bare" -> bare.inTurn();
          case "halved" -> bare.halved();
          default -> throw new IllegalArgumentException(line);
        }
        System.out.println(System.nanoTime() - start);
      }
    }
  }
}
