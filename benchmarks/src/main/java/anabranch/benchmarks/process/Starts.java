package anabranch.benchmarks.process;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import anabranch.backend.LoadOptions;
import anabranch.benchmarks.measure.Contest;
import anabranch.benchmarks.measure.Finding;
import anabranch.benchmarks.measure.Report;
import anabranch.engine.Engine;
import anabranch.engine.EngineOptions;
import anabranch.engine.Policy;
import anabranch.onnx.graph.BlockGraphs;
import anabranch.onnx.graph.Graph;
import anabranch.onnx.graph.Step;
import anabranch.weights.Safetensors;
import anabranch.weights.Weights;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * From the start of a JVM to its first answer: a model of 67 MB opened by the engine, against the
 * same graphs opened by hand from finished files, in JVMs that start in turn.
 */
public final class Starts {
  private static final double MOST_MILLIS = 150;

  private Starts() {}

  /** Measures; a round is two JVMs. */
  public static void run(Path weights, Path folder, int rounds, Report report) {
    writeGraphs(weights, folder);
    double[] ours = new double[rounds];
    double[] byHand = new double[rounds];
    double[] share = new double[rounds];
    for (int round = 0; round < rounds; round++) {
      ours[round] = millis("engine", weights);
      byHand[round] = millis("hand", folder);
      share[round] = MOST_MILLIS / Math.max(1, ours[round] - byHand[round]);
    }
    report.note(
        "start: first answer %.0f ms after the JVM began, by hand %.0f ms",
        Contest.median(ours), Contest.median(byHand));
    report.finding(Finding.of("start.150 ms/what we add", share).atLeast(1));
  }

  private static double millis(String how, Path what) {
    try (Child child = new Child(Starts.class, List.of(), how, what.toString())) {
      return Double.parseDouble(child.hear());
    }
  }

  private static void writeGraphs(Path weights, Path folder) {
    try (Weights numbers = Safetensors.open(weights)) {
      List<Graph> graphs =
          BlockGraphs.of(Wide.WIDTH, "blocks.0", Wide.spec().plan().blocks().get(0).sublayers())
              .stream()
              .flatMap(Step::graphs)
              .toList();
      for (int i = 0; i < graphs.size(); i++) {
        ByteBuffer model = graphs.get(i).model(numbers, ByteBuffer::allocateDirect, null);
        try (FileChannel file =
            FileChannel.open(
                folder.resolve(String.format("%03d.onnx", i)),
                StandardOpenOption.CREATE,
                StandardOpenOption.TRUNCATE_EXISTING,
                StandardOpenOption.WRITE)) {
          while (model.hasRemaining()) {
            file.write(model);
          }
        }
      }
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }

  /** Says how many milliseconds after the JVM began there was an answer. */
  public static void main(String[] args) throws IOException, OrtException {
    Path what = Path.of(args[1]);
    if (args[0].equals("engine")) {
      try (Engine engine =
          Engine.open(
              Wide.load("onnx", what, LoadOptions.defaults()),
              Policy.fullDepth(),
              EngineOptions.defaults())) {
        engine.infer(Wide.item(1));
        say();
      }
    } else {
      byHand(what);
      say();
    }
  }

  private static void say() {
    long began = ManagementFactory.getRuntimeMXBean().getStartTime();
    System.out.println(System.currentTimeMillis() - began);
  }

  private static void byHand(Path folder) throws IOException, OrtException {
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    List<Path> files;
    try (Stream<Path> all = Files.list(folder)) {
      files = all.filter(file -> file.toString().endsWith(".onnx")).sorted().toList();
    }
    for (Path file : files) {
      try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
        options.setIntraOpNumThreads(1);
        OrtSession session = environment.createSession(file.toString(), options);
        if (session.getInputNames().contains("x")) {
          float[][] x = new float[1][Wide.WIDTH];
          try (OnnxTensor tensor = OnnxTensor.createTensor(environment, x)) {
            session.run(Map.of("x", tensor)).close();
          }
        }
      }
    }
  }
}
