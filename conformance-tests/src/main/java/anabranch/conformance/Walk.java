package anabranch.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.Activations;
import anabranch.backend.Event;
import anabranch.backend.LoadedModel;
import anabranch.backend.Rows;
import anabranch.backend.SequenceState;
import anabranch.backend.Span;
import anabranch.backend.StageBatch;
import anabranch.backend.StageResult;
import anabranch.backend.Trace;
import anabranch.model.Exit;
import anabranch.model.ModelSpec;
import anabranch.model.facts.Cut;
import anabranch.model.facts.Point;
import anabranch.model.facts.StageSpec;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The plainest caller of a loaded model: takes items through all stages in one batch and lets their
 * units leave as it is told. It scores every live row at every point, keeps every frozen row in
 * every later batch, and checks on the way what each call owes its caller.
 *
 * <p>Confined to one thread.
 */
final class Walk {
  private static final byte LIVE = 0;
  private static final byte FROZEN = 1;
  private static final byte GONE = 2;

  private final LoadedModel model;
  private final ModelSpec spec;
  private final List<StageSpec> stages;
  private final boolean ofItem;
  private final Leaving leaving;
  private int step = Integer.MAX_VALUE;
  private boolean trace = true;
  private boolean sparing;
  private @Nullable Companion companion;

  /** Decides who leaves. */
  interface Leaving {
    /** Returns whether a unit of an item leaves at an exit with this score. */
    boolean leaves(int item, int unit, int point, Exit exit, float score);
  }

  /** Makes a span that no backend can compute, to go along in a failing call before each call. */
  interface Companion {
    /** Returns the span for a stage. */
    Span at(StageSpec stage);
  }

  Walk(LoadedModel model, Leaving leaving) {
    this.model = model;
    this.leaving = leaving;
    spec = model.spec();
    stages = Cut.of(spec);
    ofItem = spec.head().pool().ofItem();
  }

  /** Takes that many rows of each item at a time through all stages. */
  Walk inSteps(int rows) {
    step = rows;
    return this;
  }

  /** Asks for no traces. */
  Walk untraced() {
    trace = false;
    return this;
  }

  /** Scores only units that leave at that point, which must be known without their scores. */
  Walk scoringLeaversOnly() {
    sparing = true;
    return this;
  }

  /** Makes each call first with a companion that must make it fail. */
  Walk afterFailingWith(Companion impossible) {
    companion = impossible;
    return this;
  }

  /** Returns the answers to the items, in order. */
  List<Answered> run(List<Event> events) {
    List<Traveller> items = new ArrayList<>();
    List<Activations> held = new ArrayList<>();
    try {
      int most = 0;
      for (Event event : events) {
        items.add(new Traveller(items.size(), event));
        most = Math.max(most, event.rows());
      }
      for (int first = 0; first < most; first += Math.min(step, most)) {
        for (StageSpec stage : stages) {
          pass(stage, items, first, held);
        }
      }
    } finally {
      held.forEach(Activations::close);
      for (Traveller item : items) {
        if (item.state != null) {
          item.state.close();
        }
      }
    }
    return items.stream().map(item -> item.answered).toList();
  }

  private void pass(StageSpec stage, List<Traveller> items, int first, List<Activations> held) {
    List<Traveller> present = new ArrayList<>();
    List<Span> spans = new ArrayList<>();
    for (Traveller item : items) {
      Rows rows = item.rows(stage, first);
      if (rows.size() > 0) {
        present.add(item);
        spans.add(new Span(stage.keepsState() ? item.state() : null, rows));
      }
    }
    if (spans.isEmpty()) {
      return;
    }
    if (companion != null) {
      failFirst(stage, spans, companion.at(stage));
    }
    StageBatch batch = new StageBatch(stage.index(), spans, trace);
    try (StageResult result = model.stages().get(stage.index()).run(batch)) {
      held.add(result.rows());
      check(stage, batch, result);
      decide(stage, present, result);
    }
  }

  private void failFirst(StageSpec stage, List<Span> spans, Span impossible) {
    List<Span> more = new ArrayList<>(spans);
    more.add(impossible);
    StageBatch batch = new StageBatch(stage.index(), more, trace);
    boolean failed = false;
    try {
      StageResult result = model.stages().get(stage.index()).run(batch);
      result.rows().close();
      result.close();
    } catch (RuntimeException expected) {
      failed = true;
    }
    assertTrue(failed, "stage " + stage.index() + " computed rows that nobody can compute");
  }

  /** Checks the shape of a result: what is scored, what is not, and whose choices are told. */
  private void check(StageSpec stage, StageBatch batch, StageResult result) {
    String at = "stage " + stage.index() + ": ";
    FloatBuffer scores = result.scores();
    int units = ofItem ? batch.spans().size() : batch.size();
    assertEquals(units, scores.remaining(), at + "number of scores");
    List<Trace.Choices> choices = result.trace().choices();
    if (!trace) {
      assertEquals(0, choices.size(), at + "choices without a trace");
    }
    int row = 0;
    for (Span span : batch.spans()) {
      for (int i = 0; i < span.rows().size(); i++, row++) {
        boolean frozen = span.rows().frozen(i);
        if (!ofItem && (!span.rows().scored(i) || stage.point() instanceof Point.End)) {
          assertTrue(Float.isNaN(scores.get(row)), at + "score of row " + row + " is not NaN");
        }
        for (Trace.Choices mixture : choices) {
          for (int c = 0; c < mixture.k(); c++) {
            int expert = mixture.experts().get(row * mixture.k() + c);
            assertEquals(
                frozen, expert == -1, at + mixture.path() + " row " + row + " expert " + expert);
          }
        }
      }
    }
  }

  private void decide(StageSpec stage, List<Traveller> present, StageResult result) {
    List<Integer> leavers = new ArrayList<>();
    List<Runnable> readers = new ArrayList<>();
    ByteBuffer read = ByteBuffer.allocate(4 * spec.head().outputs());
    FloatBuffer scores = result.scores();
    int row = 0;
    for (int n = 0; n < present.size(); n++) {
      Traveller item = present.get(n);
      for (int i = 0; i < item.running.size(); i++, row++) {
        int position = item.running.get(i);
        item.from[position] = result.rows();
        item.index[position] = row;
        for (Trace.Choices choices : result.trace().choices()) {
          item.answered.choose(choices, row, position, item.event.rows());
        }
        int unit = ofItem ? n : row;
        if (ofItem ? i == 0 : item.life[position] == LIVE) {
          int own = ofItem ? 0 : position;
          if (item.decide(stage, own, scores.get(unit))) {
            leavers.add(0, unit);
            float[] logits = item.answered.logits[own];
            readers.add(0, () -> read.asFloatBuffer().get(logits));
          }
        }
      }
    }
    ByteBuffer all = ByteBuffer.allocate(leavers.size() * read.capacity());
    result.output(leavers.stream().mapToInt(unit -> unit).toArray(), all);
    assertEquals(0, all.remaining(), "stage " + stage.index() + ": bytes of output not written");
    all.flip();
    for (Runnable reader : readers) {
      read.clear();
      while (read.hasRemaining()) {
        read.put(all.get());
      }
      read.flip();
      reader.run();
    }
  }

  /** One item on its way. */
  private final class Traveller {
    private final int number;
    private final Event event;
    private final byte[] life;
    private final @Nullable Activations[] from;
    private final int[] index;
    private final Answered answered;
    private @Nullable SequenceState state;
    private List<Integer> running = List.of();

    Traveller(int number, Event event) {
      this.number = number;
      this.event = event;
      life = new byte[event.rows()];
      from = new Activations[event.rows()];
      index = new int[event.rows()];
      answered = new Answered(ofItem ? 1 : event.rows(), spec.head().outputs(), stages.size());
    }

    SequenceState state() {
      if (state == null) {
        state = model.newState(null);
      }
      return state;
    }

    /** Returns the rows of the present step for a stage: live ones, and frozen ones. */
    Rows rows(StageSpec stage, int first) {
      boolean mixes =
          stages.subList(stage.index(), stages.size()).stream().anyMatch(StageSpec::mixes);
      List<Integer> positions = new ArrayList<>();
      int end = (int) Math.min(event.rows(), (long) first + step);
      for (int p = first; p < end; p++) {
        if (life[p] == LIVE || (life[p] == FROZEN && mixes)) {
          positions.add(p);
        }
      }
      running = positions;
      int count = positions.size();
      Event[] events = new Event[count];
      Arrays.fill(events, event);
      @Nullable Activations[] handles = new Activations[count];
      int[] indices = new int[count];
      byte[] flags = new byte[count];
      for (int i = 0; i < count; i++) {
        int p = positions.get(i);
        handles[i] = from[p];
        indices[i] = index[p];
        flags[i] = life[p] == FROZEN ? Rows.FROZEN : scored(stage, p) ? Rows.SCORED : 0;
      }
      int[] at = positions.stream().mapToInt(p -> p).toArray();
      return new Rows(events, handles, indices, at, flags);
    }

    private boolean scored(StageSpec stage, int position) {
      return !sparing
          || !(stage.point() instanceof Point.AtExit at)
          || leaving.leaves(number, ofItem ? 0 : position, stage.index(), at.exit(), Float.NaN);
    }

    /** Records a unit's score; returns whether it leaves. */
    boolean decide(StageSpec stage, int unit, float score) {
      int point = stage.index();
      answered.scores[point][unit] = score;
      boolean freezes = false;
      if (stage.point() instanceof Point.AtExit at) {
        if (!leaving.leaves(number, unit, point, at.exit(), score)) {
          return false;
        }
        freezes = at.exit().bypass() == Exit.Bypass.FREEZE_PROJECT;
      }
      answered.exits[unit] = point;
      byte next = freezes ? FROZEN : GONE;
      if (ofItem) {
        Arrays.fill(life, next);
      } else {
        life[unit] = next;
      }
      return true;
    }
  }

  /** A state and handle that no backend has made. */
  static final class Foreign implements Activations, SequenceState {
    @Override
    public long bytes() {
      return 0;
    }

    @Override
    public void close() {}
  }
}
