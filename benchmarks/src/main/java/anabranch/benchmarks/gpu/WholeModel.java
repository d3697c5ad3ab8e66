package anabranch.benchmarks.gpu;

import anabranch.backend.Event;
import anabranch.backend.LoadOptions;
import anabranch.engine.Backends;
import anabranch.engine.Engine;
import anabranch.engine.EngineOptions;
import anabranch.engine.Inference;
import anabranch.engine.Item;
import anabranch.engine.Policy;
import anabranch.engine.Sequence;
import anabranch.onnx.GraphChoice;
import anabranch.onnx.run.OnnxModel;
import anabranch.weights.Weights;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/**
 * A whole model, as many small graphs and as few large ones, both in every round: prompts, events
 * one by one, and what early exits save of what they could.
 */
final class WholeModel {
  private static final double LEAVING = 0.5;
  private static final double NO_SLOWER = 1;
  private static final List<String> GRAPHS = List.of("small", "large");

  private final Gpu gpu;
  private final Size size;

  WholeModel(Gpu gpu, Size size) {
    this.gpu = gpu;
    this.size = size;
  }

  /** A model in service, and the same seen from below. */
  private record Served(OnnxModel model, Engine engine) implements AutoCloseable {
    @Override
    public void close() {
      engine.close();
    }
  }

  void run() {
    GraphChoice.all().forEach(each -> gpu.report.note("graphs by device: %s", each));
    try (Weights weights = Size.weights(size.model());
        Served small = open(weights, GRAPHS.get(0));
        Served large = open(weights, GRAPHS.get(1))) {
      List<Served> both = List.of(small, large);
      for (int i = 0; i < both.size(); i++) {
        int graphs = both.get(i).model.graphs();
        gpu.report.note("gpu.graphs.%s: %d", GRAPHS.get(i), graphs);
      }
      prompts(both);
      events(both, 1);
      events(both, size.sequences());
    }
  }

  private Served open(Weights weights, String graphs) {
    LoadOptions options = gpu.options.with("onnx.graphs", graphs);
    OnnxModel model = (OnnxModel) Backends.named(gpu.backend).load(size.model(), weights, options);
    Engine engine =
        Engine.open(
            model, Policy.fullDepth(), EngineOptions.defaults().withBatchRows(size.prompt()));
    gpu.report.ran(engine.numerics());
    return new Served(model, engine);
  }

  private void prompts(List<Served> both) {
    int rows = size.prompt();
    Item item = Item.of("prompt", Event.ofTokens(IntStream.range(0, rows).toArray()));
    int early = (int) (LEAVING * rows);
    List<Integer> steps = new ArrayList<>();
    IntStream.range(0, rows).forEach(row -> steps.add(row < rows - early ? 1 : 0));
    Item leaving = item.withForcedExits(steps);
    for (Served each : both) {
      requireLeft(each.engine.infer(leaving), early);
    }
    String name = "gpu.prompt.T" + rows;
    List<long[]> full = race(name, rows, both, each -> each.engine.infer(item));
    List<long[]> half = race(name + ".leaving", rows, both, each -> each.engine.infer(leaving));
    double predicted = 1 / (1 - LEAVING / 2);
    for (int i = 0; i < both.size(); i++) {
      long[] would = Arrays.stream(full.get(i)).map(time -> Math.round(time / predicted)).toArray();
      String exits = "gpu.exits." + GRAPHS.get(i) + ".T" + rows + ".realised/predicted";
      gpu.compare(exits, half.get(i), would, Double.NaN);
    }
  }

  private static void requireLeft(Inference answer, int early) {
    long left = IntStream.range(0, answer.units()).filter(unit -> answer.exit(unit) == 0).count();
    if (left != early) {
      throw new AssertionError(left + " rows left early instead of " + early);
    }
  }

  private void events(List<Served> both, int count) {
    Map<Served, List<Sequence>> sequences = new IdentityHashMap<>();
    try {
      int[] prompt = IntStream.range(0, size.prompt() / 2 - 1).toArray();
      for (Served each : both) {
        List<Sequence> own = new ArrayList<>();
        sequences.put(each, own);
        for (int i = 0; i < count; i++) {
          own.add(each.engine.begin("sequence" + i));
        }
        step(own, Event.ofTokens(prompt));
      }
      Event next = Event.ofTokens(new int[] {1});
      race("gpu.events.B" + count, count, both, each -> step(sequences.get(each), next));
    } finally {
      sequences.values().forEach(own -> own.forEach(Sequence::close));
    }
  }

  /** Runs the same work on both, and says how long each took, and how many calls. */
  private List<long[]> race(String name, int rows, List<Served> both, Consumer<Served> work) {
    for (int i = 0; i < both.size(); i++) {
      long before = both.get(i).model.calls();
      work.accept(both.get(i));
      long calls = both.get(i).model.calls() - before;
      gpu.report.note("%s.%s: %d calls of graphs", name, GRAPHS.get(i), calls);
    }
    Map<String, Runnable> sides = new LinkedHashMap<>();
    for (int i = 0; i < both.size(); i++) {
      Served each = both.get(i);
      sides.put(GRAPHS.get(i), () -> work.accept(each));
    }
    List<long[]> times = gpu.race(sides);
    for (int i = 0; i < both.size(); i++) {
      double millis = Gpu.millis(times.get(i));
      gpu.report.note(
          "%s.%s: %.3f ms, %.0f rows/s", name, GRAPHS.get(i), millis, 1e3 * rows / millis);
    }
    gpu.compare(name + ".small/large", times.get(1), times.get(0), NO_SLOWER);
    return times;
  }

  private static void step(List<Sequence> sequences, Event event) {
    List<CompletableFuture<Inference>> answers =
        sequences.stream().map(sequence -> sequence.submit(event)).toList();
    answers.forEach(CompletableFuture::join);
  }
}
