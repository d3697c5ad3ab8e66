package anabranch.conformance.trial;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.Activations;
import anabranch.backend.LoadedModel;
import anabranch.backend.Rows;
import anabranch.backend.SequenceState;
import anabranch.backend.Span;
import anabranch.backend.StageBatch;
import anabranch.backend.StageResult;
import anabranch.backend.StateImage;
import anabranch.backend.Trace;
import anabranch.conformance.space.Sequence;
import anabranch.model.ModelSpec;
import anabranch.model.facts.Cut;
import anabranch.model.facts.Point;
import anabranch.model.facts.StageSpec;
import anabranch.model.facts.Step;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * The plainest caller of a loaded model: takes sequences event by event through all steps in one
 * batch and lets their units leave as it is told. It scores every live row at every point, keeps
 * every frozen row in every later batch, and checks on the way what each call owes its caller.
 *
 * <p>Confined to one thread.
 */
public final class Walk {
  private final LoadedModel model;
  private final ModelSpec spec;
  private final Cut cut;
  private final Deciding deciding;
  private final Map<String, long[]> ran = new LinkedHashMap<>();
  private int chunk = Integer.MAX_VALUE;
  private boolean trace = true;
  private boolean sparing;
  private @Nullable Companion companion;
  private BiFunction<LoadedModel, SequenceState, SequenceState> between = (m, state) -> state;

  /** Makes a span that no backend can compute, to go along in a failing call before each call. */
  public interface Companion {
    /** Returns the span for a stage. */
    Span at(StageSpec stage);
  }

  /** Creates a caller of a model. */
  public Walk(LoadedModel model, Deciding deciding) {
    this.model = model;
    this.deciding = deciding;
    spec = model.spec();
    cut = Cut.of(spec);
  }

  /** Takes that many rows of each event at a time through all steps. */
  public Walk inSteps(int rows) {
    chunk = rows;
    return this;
  }

  /** Asks for no traces. */
  public Walk untraced() {
    trace = false;
    return this;
  }

  /** Scores only units that leave at that point, which must be known without their scores. */
  public Walk scoringLeaversOnly() {
    sparing = true;
    return this;
  }

  /** Makes each call first with a companion that must make it fail. */
  public Walk afterFailingWith(Companion impossible) {
    companion = impossible;
    return this;
  }

  /** Replaces every state between two rounds of calls; the old one is closed unless it stays. */
  public Walk replacing(BiFunction<LoadedModel, SequenceState, SequenceState> change) {
    between = change;
    return this;
  }

  /** Carries states from image to image: each round's changes are added to those before. */
  public Walk travellingAsImages() {
    Map<SequenceState, StateImage> images = new LinkedHashMap<>();
    return replacing(
        (loaded, state) -> {
          StateImage before = images.remove(state);
          StateImage now = state.image(before == null ? 0 : before.version());
          StateImage whole = before == null ? now : before.with(now);
          SequenceState restored = loaded.restore(whole);
          images.put(restored, whole);
          return restored;
        });
  }

  /** Returns how many rows each member of each mixture or skip computed, by its path. */
  public Map<String, long[]> ran() {
    return ran;
  }

  /** Returns the answers to the sequences, in order. */
  public List<Answered> run(List<Sequence> sequences) {
    List<Answered> answers = new ArrayList<>();
    List<Traveller> travellers = new ArrayList<>();
    List<Activations> held = new ArrayList<>();
    try {
      List<@Nullable Rows> memories = new ArrayList<>();
      for (Sequence sequence : sequences) {
        int memory = sequence.memory() == null ? 0 : sequence.memory().rows();
        int rows = Math.max(sequence.rows(), memory);
        boolean ofItem = spec.head().pool().ofItem();
        int units = ofItem ? sequence.events().size() : sequence.rows();
        answers.add(new Answered(units, rows, spec.head().outputs(), cut.steps().size()));
        memories.add(null);
      }
      if (cut.encoderSteps() > 0) {
        encode(sequences, answers, memories, held);
      }
      for (int n = 0; n < sequences.size(); n++) {
        Traveller traveller = new Traveller(n, sequences.get(n), answers.get(n), false);
        if (memories.get(n) != null) {
          traveller.state = model.newState(memories.get(n));
        }
        travellers.add(traveller);
      }
      held.forEach(Activations::close);
      held.clear();
      decode(travellers, held);
    } finally {
      held.forEach(Activations::close);
      for (Traveller traveller : travellers) {
        if (traveller.state != null) {
          traveller.state.close();
        }
      }
    }
    return answers;
  }

  private void encode(
      List<Sequence> sequences,
      List<Answered> answers,
      List<@Nullable Rows> memories,
      List<Activations> held) {
    List<Traveller> readers = new ArrayList<>();
    for (int n = 0; n < sequences.size(); n++) {
      readers.add(new Traveller(n, sequences.get(n), answers.get(n), true));
    }
    for (Step step : cut.steps().subList(0, cut.encoderSteps())) {
      pass(step, readers, reader -> 0, Traveller::size, held);
    }
    for (Traveller reader : readers) {
      memories.set(reader.number, reader.memory());
    }
  }

  private void decode(List<Traveller> travellers, List<Activations> held) {
    int events = 0;
    for (Traveller traveller : travellers) {
      events = Math.max(events, traveller.sequence.events().size());
    }
    List<Step> steps = cut.steps().subList(cut.encoderSteps(), cut.steps().size());
    for (int number = 0; number < events; number++) {
      int event = number;
      int most = 0;
      for (Traveller traveller : travellers) {
        most = Math.max(most, end(traveller, event) - first(traveller, event));
      }
      for (int offset = 0; offset < most; offset += Math.min(chunk, most)) {
        int from = offset;
        for (Step step : steps) {
          pass(
              step,
              travellers,
              each -> first(each, event) + from,
              each -> (int) Math.min(end(each, event), (long) first(each, event) + from + chunk),
              held);
        }
        travellers.forEach(this::replace);
      }
    }
  }

  private void replace(Traveller traveller) {
    if (traveller.state != null) {
      SequenceState old = traveller.state;
      traveller.state = between.apply(model, old);
      if (traveller.state != old) {
        old.close();
      }
    }
  }

  private static int first(Traveller traveller, int event) {
    List<anabranch.backend.Event> events = traveller.sequence.events();
    return event < events.size() ? events.get(event).firstPosition() : traveller.sequence.rows();
  }

  private static int end(Traveller traveller, int event) {
    return first(traveller, event + 1);
  }

  private interface Place {
    int of(Traveller traveller);
  }

  private void pass(
      Step step, List<Traveller> all, Place first, Place end, List<Activations> held) {
    StageSpec stage = step.stage();
    boolean matter =
        cut.steps().stream().anyMatch(s -> s.index() >= step.index() && s.stage().mixes());
    List<Traveller> present = new ArrayList<>();
    List<Span> spans = new ArrayList<>();
    for (Traveller traveller : all) {
      int from = first.of(traveller);
      if (from < end.of(traveller)) {
        Rows rows =
            traveller.rows(step, from, end.of(traveller), matter, (t, p) -> scored(step, t, p));
        if (rows.size() > 0) {
          present.add(traveller);
          spans.add(new Span(stage.keepsState() ? traveller.state(model) : null, rows));
        }
      }
    }
    if (spans.isEmpty()) {
      return;
    }
    if (companion != null) {
      failFirst(step, spans, companion.at(stage));
    }
    StageBatch batch = new StageBatch(step.index(), spans, trace);
    try (StageResult result = model.stages().get(stage.index()).run(batch)) {
      held.add(result.rows());
      Contract.check(step, batch, result, trace);
      take(step, present, result);
      new Decisions(spec, deciding, step, result).take(present);
    }
  }

  private boolean scored(Step step, Traveller traveller, int position) {
    Point point = step.stage().point();
    if (!sparing || !(point instanceof Point.AtExit) || !deciding.knows(step)) {
      return true;
    }
    boolean computed = point.labels() || step.stage().encoder();
    return computed
        || deciding.fires(traveller.number, traveller.unitOf(point, position), step, Float.NaN);
  }

  private void failFirst(Step step, List<Span> spans, Span impossible) {
    List<Span> more = new ArrayList<>(spans);
    more.add(impossible);
    StageBatch batch = new StageBatch(step.index(), more, trace);
    boolean failed = false;
    try {
      StageResult result = model.stages().get(step.stage().index()).run(batch);
      result.rows().close();
      result.close();
    } catch (RuntimeException expected) {
      failed = true;
    }
    assertTrue(failed, "step " + step.index() + " computed rows that nobody can compute");
  }

  private void take(Step step, List<Traveller> present, StageResult result) {
    int row = 0;
    for (Traveller traveller : present) {
      traveller.moved(result.rows(), row);
      for (int i = 0; i < traveller.running.size(); i++, row++) {
        int position = traveller.running.get(i);
        for (Trace.Choices choices : result.trace().choices()) {
          String name = nameOf(step, choices);
          traveller.answered.choose(name, choices, row, position, traveller.size());
        }
      }
    }
    for (Trace.Choices choices : result.trace().choices()) {
      long[] counts = ran.computeIfAbsent(choices.path(), p -> new long[choices.ran().remaining()]);
      assertEquals(counts.length, choices.ran().remaining(), choices.path() + " counted members");
      for (int e = 0; e < counts.length; e++) {
        counts[e] += choices.ran().get(e);
      }
    }
  }

  private String nameOf(Step step, Trace.Choices choices) {
    for (Cut.Run run : cut.runs()) {
      if (run.step() == step.index()
          && run.visit() == choices.visit()
          && choices.path().startsWith(run.member().path() + ".")) {
        return run.name(choices.path());
      }
    }
    throw new AssertionError(choices.path() + " does not run in step " + step.index());
  }
}
