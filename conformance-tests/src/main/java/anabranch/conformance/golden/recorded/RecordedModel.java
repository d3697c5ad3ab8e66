package anabranch.conformance.golden.recorded;

import anabranch.conformance.space.Sequence;
import anabranch.model.ModelSpec;
import anabranch.model.facts.Cut;
import anabranch.model.facts.Point;
import anabranch.model.facts.Step;
import anabranch.model.facts.Visit;
import anabranch.weights.Weights;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A published model in this language, with its recording and the place where it runs. Confined to
 * one thread.
 */
public final class RecordedModel implements AutoCloseable {
  /** What it is in this language. */
  public final ModelSpec spec;

  /** Its weights, under the names of the description. */
  public final Weights weights;

  /** What the original answered. */
  public final Recording recording;

  private final Runner.Place place;
  private final Map<ModelSpec, Runner> runners = new LinkedHashMap<>();

  /** Takes a model; its weights and recording stay the caller's to close. */
  public RecordedModel(ModelSpec spec, Weights weights, Recording recording, Runner.Place place) {
    this.spec = spec;
    this.weights = weights;
    this.recording = recording;
    this.place = place;
  }

  /** Returns whether an encoder reads before. */
  public boolean hasEncoder() {
    return spec.encoder() != null;
  }

  /**
   * Runs what a case feeds in, on a description that may differ from the model's in its routers.
   */
  public List<Outcome> run(ModelSpec variant, Inputs inputs, Leaving leaving) {
    return runners
        .computeIfAbsent(variant, any -> place.load(any, weights))
        .run(inputs.sequences(), leaving);
  }

  /** Runs sequences to full depth on a description and weights that are used once. */
  public List<Outcome> runOnce(ModelSpec variant, Weights others, List<Sequence> sequences) {
    try (Runner runner = place.load(variant, others)) {
      return runner.run(sequences, Leaving.never());
    }
  }

  /** Returns how many blocks run up to a step, without an encoder's. */
  public int depth(int step) {
    int depth = 0;
    for (Step each : Cut.of(spec).steps()) {
      if (!each.stage().encoder() && each.index() <= step) {
        for (Visit visit : each.stage().visits()) {
          depth += visit.blocks().size();
        }
      }
    }
    return depth;
  }

  /** Returns the step behind which units leave after so many blocks; else the last. */
  public int stepAt(int depth) {
    List<Step> steps = Cut.of(spec).steps();
    for (Step step : steps) {
      if (step.stage().point() instanceof Point.AtExit && depth(step.index()) == depth) {
        return step.index();
      }
    }
    return steps.size() - 1;
  }

  /** Returns the ids of the exits, in order. */
  public List<String> exits() {
    return new ArrayList<>(spec.plan().exits().stream().map(exit -> exit.id()).toList());
  }

  @Override
  public void close() {
    runners.values().forEach(Runner::close);
    runners.clear();
  }
}
