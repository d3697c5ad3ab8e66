package anabranch.onnx.run;

import anabranch.backend.Rows;
import anabranch.backend.Span;
import anabranch.backend.Stage;
import anabranch.backend.StageBatch;
import anabranch.backend.StageResult;
import anabranch.backend.Trace;
import anabranch.model.facts.StageSpec;
import anabranch.onnx.memory.Scope;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A loaded stage. Thread-safe. */
final class OnnxStage implements Stage, AutoCloseable {
  private final OnnxModel model;
  private final StageSpec stage;
  private final @Nullable Embedder embedder;
  private final List<LoadedStep> steps;
  private final List<Integer> keyValueWidths;
  private final HeadRunner head;

  OnnxStage(
      OnnxModel model,
      StageSpec stage,
      @Nullable Embedder embedder,
      List<LoadedStep> steps,
      HeadRunner head) {
    this.model = model;
    this.stage = stage;
    this.embedder = embedder;
    this.steps = List.copyOf(steps);
    this.head = head;
    this.keyValueWidths =
        steps.stream()
            .filter(LoadedStep.Attend.class::isInstance)
            .map(step -> ((LoadedStep.Attend) step).step().attention().keyValueWidth())
            .toList();
  }

  @Override
  public StageResult run(StageBatch batch) {
    model.enter();
    try {
      return compute(batch);
    } finally {
      model.leave();
    }
  }

  @Override
  public void close() {
    if (embedder != null) {
      embedder.close();
    }
    steps.forEach(LoadedStep::close);
    head.close();
  }

  private StageResult compute(StageBatch batch) {
    Packing packing = new Packing(batch);
    packing.checkPositions(model.spec().input().maxLength());
    List<OnnxState.@Nullable Slot> slots = slots(batch);
    int width = model.spec().width();
    OnnxRows result = new OnnxRows(model.pool(), packing.rows, width);
    List<Trace.Choices> choices = batch.trace() ? new ArrayList<>() : null;
    HeadRunner.@Nullable Scores scores = null;
    boolean complete = false;
    try (Scope scope = new Scope(model.pool())) {
      FloatBuffer x = scope.rows(packing.rows, width);
      enter(packing, x, width);
      StageRun run = new StageRun(packing, slots, width, x, model.pool(), scope, choices);
      steps.forEach(run::take);
      packing.scatter(run.hidden(), result.buffer(), width);
      scores = head.scores(packing, result.buffer(), model.pool());
      Trace trace = choices == null ? Trace.none() : new Trace(choices);
      StageResult answer = new OnnxResult(model, head, packing, result, scores, trace);
      publish(packing, slots);
      complete = true;
      return answer;
    } finally {
      if (!complete) {
        result.close();
        if (scores != null) {
          scores.release(model.pool());
        }
      }
    }
  }

  private void enter(Packing packing, FloatBuffer x, int width) {
    if (embedder == null) {
      packing.gather(x, width);
    } else if (packing.hasFrozen()) {
      throw new IllegalArgumentException("a row is frozen in the first stage, before any exit");
    } else {
      embedder.embed(packing, x, model.pool());
    }
  }

  private List<OnnxState.@Nullable Slot> slots(StageBatch batch) {
    List<OnnxState.@Nullable Slot> slots = new ArrayList<>();
    for (Span span : batch.spans()) {
      slots.add(stage.keepsState() ? slot(batch.slot(), span) : null);
    }
    return slots;
  }

  private OnnxState.Slot slot(int number, Span span) {
    if (!(span.state() instanceof OnnxState state) || state.model() != model) {
      throw new IllegalArgumentException(
          "stage " + stage.index() + " keeps state, and a span has none of this model");
    }
    OnnxState.Slot slot = state.slot(number, keyValueWidths);
    Rows rows = span.rows();
    if (rows.size() > 0 && rows.position(0) <= slot.lastPosition()) {
      throw new IllegalArgumentException(
          "position "
              + rows.position(0)
              + " has passed stage "
              + stage.index()
              + " already, up to "
              + slot.lastPosition());
    }
    return slot;
  }

  private void publish(Packing packing, List<OnnxState.@Nullable Slot> slots) {
    for (int s = 0; s < slots.size(); s++) {
      OnnxState.Slot slot = slots.get(s);
      if (slot != null) {
        Rows rows = packing.spans.get(s).rows();
        slot.publish(rows.size(), rows.position(rows.size() - 1));
      }
    }
    if (embedder != null) {
      embedder.publish(packing);
    }
  }
}
