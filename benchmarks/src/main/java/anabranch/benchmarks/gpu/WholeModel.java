package anabranch.benchmarks.gpu;

import anabranch.backend.Event;
import anabranch.engine.Backends;
import anabranch.engine.Engine;
import anabranch.engine.EngineOptions;
import anabranch.engine.Inference;
import anabranch.engine.Item;
import anabranch.engine.Policy;
import anabranch.engine.Sequence;
import anabranch.weights.Weights;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;

/** A whole model: prompts, events one by one, and what early exits save of what they could. */
final class WholeModel {
  private static final double LEAVING = 0.5;

  private final Gpu gpu;
  private final Size size;

  WholeModel(Gpu gpu, Size size) {
    this.gpu = gpu;
    this.size = size;
  }

  void run() {
    try (Weights weights = Size.weights(size.model());
        Engine engine =
            Engine.open(
                Backends.named(gpu.backend).load(size.model(), weights, gpu.options),
                Policy.fullDepth(),
                EngineOptions.defaults().withBatchRows(size.prompt()))) {
      gpu.report.ran(engine.numerics());
      prompts(engine);
      events(engine, 1);
      events(engine, size.sequences());
    }
  }

  private void prompts(Engine engine) {
    int rows = size.prompt();
    Item item = Item.of("prompt", Event.ofTokens(IntStream.range(0, rows).toArray()));
    int early = (int) (LEAVING * rows);
    List<Integer> steps = new ArrayList<>();
    IntStream.range(0, rows).forEach(row -> steps.add(row < rows - early ? 1 : 0));
    Item leaving = item.withForcedExits(steps);
    requireLeft(engine.infer(leaving), early);
    long[] full = gpu.time(() -> engine.infer(item));
    long[] half = gpu.time(() -> engine.infer(leaving));
    gpu.report.note(
        "gpu.prompt.T%d: %.2f ms, %.0f rows/s",
        rows, Gpu.millis(full), 1e3 * rows / Gpu.millis(full));
    double predicted = 1 / (1 - LEAVING / 2);
    long[] would = Arrays.stream(full).map(time -> Math.round(time / predicted)).toArray();
    gpu.compare("gpu.exits.T" + rows + ".realised/predicted", half, would, Double.NaN);
  }

  private static void requireLeft(Inference answer, int early) {
    long left = IntStream.range(0, answer.units()).filter(unit -> answer.exit(unit) == 0).count();
    if (left != early) {
      throw new AssertionError(left + " rows left early instead of " + early);
    }
  }

  private void events(Engine engine, int count) {
    List<Sequence> sequences = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      sequences.add(engine.begin("sequence" + i));
    }
    try {
      int[] prompt = IntStream.range(0, size.prompt() / 2).toArray();
      step(sequences, Event.ofTokens(prompt));
      Event next = Event.ofTokens(new int[] {1});
      long[] times = gpu.time(() -> step(sequences, next));
      gpu.report.note(
          "gpu.events.B%d: %.3f ms a step, %.0f rows/s",
          count, Gpu.millis(times), 1e3 * count / Gpu.millis(times));
    } finally {
      sequences.forEach(Sequence::close);
    }
  }

  private static void step(List<Sequence> sequences, Event event) {
    List<CompletableFuture<Inference>> answers =
        sequences.stream().map(sequence -> sequence.submit(event)).toList();
    answers.forEach(CompletableFuture::join);
  }
}
