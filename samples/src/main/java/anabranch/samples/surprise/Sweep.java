package anabranch.samples.surprise;

import anabranch.backend.LoadOptions;
import anabranch.engine.Backends;
import anabranch.engine.Engine;
import anabranch.engine.EngineOptions;
import anabranch.engine.Inference;
import anabranch.engine.Item;
import anabranch.engine.Policy;
import anabranch.samples.picture.Run;
import anabranch.samples.text.Line;
import anabranch.weights.Safetensors;
import anabranch.weights.Weights;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Runs the same lines at full depth and under policies from conservative to bold. Every policy
 * really runs, so that what leaves early is what the bytes behind it see. Stateless.
 */
final class Sweep {
  /** What is added to the logit of each threshold. */
  static final List<Double> SHIFTS = List.of(4.0, 3.0, 2.0, 1.0, 0.0, -1.0, -2.0, -3.0, -4.0);

  private static final int AT_ONCE = 20;

  private Sweep() {}

  /**
   * Returns what each policy gives on the first of some lines: on as many as there is time for, at
   * least {@value #AT_ONCE} if there are so many.
   */
  static Run.Curve of(String backend, Path file, Policy policy, List<Line> lines, Duration most)
      throws IOException {
    long start = System.nanoTime();
    List<Sum> sums = SHIFTS.stream().map(shift -> new Sum(shift, shifted(policy, shift))).toList();
    int done = 0;
    try (Weights weights = Safetensors.open(file);
        Engine engine =
            Engine.open(
                Backends.named(backend)
                    .load(SurpriseModel.getSurpriseModel(), weights, LoadOptions.defaults()),
                policy,
                EngineOptions.defaults().withLanes(Runtime.getRuntime().availableProcessors()))) {
      while (done < lines.size() && System.nanoTime() - start < most.toNanos()) {
        List<Line> some = lines.subList(done, Math.min(done + AT_ONCE, lines.size()));
        List<List<Inference>> full = answers(engine, some, Policy.fullDepth());
        for (Sum sum : sums) {
          sum.add(some, answers(engine, some, sum.policy), full);
        }
        done += some.size();
      }
    }
    long bytes = lines.stream().limit(done).mapToLong(line -> line.bytes().length).sum();
    double seconds = (System.nanoTime() - start) / 1e9;
    List<Run.Point> points = done == 0 ? List.of() : sums.stream().map(Sum::point).toList();
    return new Run.Curve(done, lines.size(), bytes, seconds, points);
  }

  /**
   * Returns a policy whose thresholds, confidences, lie further up or down on the logit's scale.
   */
  static Policy shifted(Policy policy, double shift) {
    Policy shifted = policy;
    for (var exit : policy.thresholds().entrySet()) {
      double logit = Math.log(exit.getValue() / (1 - exit.getValue())) + shift;
      shifted = shift == 0 ? policy : shifted.with(exit.getKey(), 1 / (1 + Math.exp(-logit)));
    }
    return shifted;
  }

  private static List<List<Inference>> answers(Engine engine, List<Line> some, Policy policy) {
    List<List<CompletableFuture<Inference>>> running = new ArrayList<>();
    for (Line line : some) {
      running.add(
          engine.submitAll(
              Windows.of(line.bytes()).stream()
                  .map(window -> Item.of("line", window).withPolicy(policy))
                  .toList()));
    }
    return running.stream()
        .map(windows -> windows.stream().map(CompletableFuture::join).toList())
        .toList();
  }

  /** What one policy gave so far. */
  private static final class Sum {
    final double shift;
    final Policy policy;
    long blocks;
    long flops;
    long fullFlops;
    long bytes;
    long same;
    long lines;
    long close;
    double bits;

    Sum(double shift, Policy policy) {
      this.shift = shift;
      this.policy = policy;
    }

    void add(List<Line> some, List<List<Inference>> answers, List<List<Inference>> full) {
      for (int i = 0; i < some.size(); i++) {
        add(some.get(i).bytes(), answers.get(i), full.get(i));
      }
    }

    private void add(byte[] line, List<Inference> answers, List<Inference> full) {
      double own = 0;
      double deep = 0;
      for (int w = 0; w < answers.size(); w++) {
        Inference answer = answers.get(w);
        flops += answer.flops();
        fullFlops += answer.fullFlops();
        for (int unit = 0; unit < answer.units(); unit++) {
          int value = line[w * Windows.LENGTH + unit] & 0xff;
          own += Bits.of(answer, unit, value);
          deep += Bits.of(full.get(w), unit, value);
          blocks += answer.depth(unit);
          same += answer.label(unit) == full.get(w).label(unit) ? 1 : 0;
        }
      }
      bits += own;
      bytes += line.length;
      lines++;
      close += Math.abs(own - deep) <= 0.1 * line.length ? 1 : 0;
    }

    Run.Point point() {
      Run.Agreement agreement = new Run.Agreement(lines, bytes, close, same);
      return new Run.Point(shift, policy.thresholds(), blocks, flops, fullFlops, bits, agreement);
    }
  }
}
