package anabranch.benchmarks.process;

import anabranch.backend.LoadOptions;
import anabranch.backend.LoadedModel;
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
import java.util.List;

/**
 * One call of 512 rows with one and with two threads: each in a JVM of its own, because a JVM has
 * one pool, in turn, and with equal bits. Only an idle machine shows what two threads are worth.
 */
public final class Threads {
  private static final int WARM_UPS = 30;

  private Threads() {}

  /** Measures. */
  public static void run(Path weights, int rounds, Report report) {
    try (Child one = new Child(Threads.class, List.of(), weights.toString(), "1");
        Child two = new Child(Threads.class, List.of(), weights.toString(), "2")) {
      if (!one.hear().equals(two.hear())) {
        throw new AssertionError("one and two threads answer with different bits");
      }
      double[] ratios = new double[rounds];
      for (int round = 0; round < rounds; round++) {
        ratios[round] = Double.parseDouble(one.ask("run")) / Double.parseDouble(two.ask("run"));
      }
      report.finding(Finding.of("threads.T512.two/one", ratios).atLeast(1.8));
    }
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
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in))) {
      List<Float> bits = new ArrayList<>();
      for (int i = 0; i < WARM_UPS; i++) {
        Inference answer = engine.infer(item);
        float[] logits = new float[answer.outputs()];
        answer.logits(0).get(logits);
        bits = new ArrayList<>();
        for (float logit : logits) {
          bits.add(logit);
        }
      }
      System.out.println(Arrays.toString(bits.stream().map(Float::floatToRawIntBits).toArray()));
      while (lines.readLine() != null) {
        long start = System.nanoTime();
        engine.infer(item);
        System.out.println(System.nanoTime() - start);
      }
    }
  }
}
