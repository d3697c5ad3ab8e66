package anabranch.conformance.trial;

import static org.junit.jupiter.api.Assertions.assertEquals;

import anabranch.backend.StageResult;
import anabranch.model.ModelSpec;
import anabranch.model.facts.Point;
import anabranch.model.facts.Step;
import anabranch.model.layer.Bypass;
import anabranch.model.plan.Criterion;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** What is decided behind one step for the sequences of a batch. Confined to one call. */
final class Decisions {
  private final ModelSpec spec;
  private final Deciding deciding;
  private final Step step;
  private final Point point;
  private final StageResult result;
  private final List<Integer> leavers = new ArrayList<>();
  private final List<float[]> logits = new ArrayList<>();

  Decisions(ModelSpec spec, Deciding deciding, Step step, StageResult result) {
    this.spec = spec;
    this.deciding = deciding;
    this.step = step;
    this.point = step.stage().point();
    this.result = result;
  }

  void take(List<Traveller> present) {
    int row = 0;
    for (int span = 0; span < present.size(); span++) {
      Traveller traveller = present.get(span);
      if (point.pool().ofItem()) {
        List<Integer> asked =
            traveller.running.stream().filter(p -> traveller.asked(step, p)).toList();
        if (!asked.isEmpty()) {
          unit(traveller, traveller.unitOf(point, asked.get(0)), asked, span);
        }
      } else if (point instanceof Point.AtPrune) {
        prune(traveller, row);
      } else {
        for (int i = 0; i < traveller.running.size(); i++) {
          int position = traveller.running.get(i);
          if (traveller.asked(step, position)) {
            unit(traveller, position, List.of(position), row + i);
          }
        }
      }
      row += traveller.running.size();
    }
    read();
  }

  private void unit(Traveller traveller, int unit, List<Integer> rows, int inBatch) {
    Answered answered = traveller.answered;
    float score = result.scores().get(inBatch);
    int label = point.labels() ? result.labels().get(inBatch) : -1;
    answered.labels[step.index()][unit] = label;
    if (point instanceof Point.AtChoice) {
      answered.scores[step.index()][unit] = score;
      rows.forEach(position -> traveller.choose(position, label));
      return;
    }
    if (point.score() == Criterion.Score.PATIENCE) {
      score = traveller.counted(rows.get(0), label);
    } else if (point.score() == Criterion.Score.CHOSEN) {
      boolean reached = false;
      for (int position : rows) {
        reached = traveller.reaches(position);
      }
      score = reached ? 1 : 0;
    }
    answered.scores[step.index()][unit] = score;
    if (point instanceof Point.AtExit at) {
      if (deciding.fires(traveller.number, unit, step, score)) {
        leave(traveller, unit, rows, inBatch, at.exit().bypass());
      }
    } else if (point instanceof Point.AtHalt at) {
      if (deciding.fires(traveller.number, unit, step, score)) {
        answered.halted[step.index()][unit] = true;
        rows.forEach(position -> traveller.jump(position, step, at.halt().bypass()));
      }
    } else if (!(point instanceof Point.Passage)) {
      leave(traveller, unit, rows, inBatch, null);
    }
  }

  private void leave(
      Traveller traveller, int unit, List<Integer> rows, int inBatch, @Nullable Bypass bypass) {
    rows.forEach(position -> traveller.leave(position, bypass));
    if (step.stage().encoder()) {
      traveller.answered.memoryExit = step.index();
      return;
    }
    traveller.answered.exits[unit] = step.index();
    // The last unit is read first: outputs come in the order in which they are asked for.
    leavers.add(0, inBatch);
    logits.add(0, traveller.answered.logits[unit]);
  }

  private void prune(Traveller traveller, int firstRow) {
    Point.AtPrune at = (Point.AtPrune) point;
    List<Integer> live = new ArrayList<>();
    for (int i = 0; i < traveller.running.size(); i++) {
      int position = traveller.running.get(i);
      if (traveller.live(step, position)) {
        live.add(position);
        traveller.answered.scores[step.index()][position] = result.scores().get(firstRow + i);
      }
    }
    int keep = (int) Math.max(1, Math.ceil(deciding.share(step) * live.size()));
    float[] scores = traveller.answered.scores[step.index()];
    List<Integer> order = new ArrayList<>(live);
    order.sort(
        Comparator.comparing((Integer p) -> !at.prune().kept().contains(p))
            .thenComparing(p -> Float.isNaN(scores[p]))
            .thenComparing((a, b) -> Double.compare(scores[b] + 0.0, scores[a] + 0.0))
            .thenComparing(p -> p));
    long held = live.stream().filter(at.prune().kept()::contains).count();
    TreeSet<Integer> stay = new TreeSet<>(order.subList(0, (int) Math.max(keep, held)));
    traveller.answered.kept.put(step.index(), List.copyOf(stay));
    live.stream().filter(p -> !stay.contains(p)).forEach(traveller::drop);
  }

  private void read() {
    if (point.head() == null) {
      return;
    }
    int outputs = spec.head().outputs();
    ByteBuffer all = ByteBuffer.allocate(4 * outputs * leavers.size());
    result.output(leavers.stream().mapToInt(unit -> unit).toArray(), all);
    assertEquals(0, all.remaining(), "step " + step.index() + ": bytes of output not written");
    all.flip();
    for (float[] each : logits) {
      for (int o = 0; o < outputs; o++) {
        each[o] = all.getFloat();
      }
    }
  }
}
