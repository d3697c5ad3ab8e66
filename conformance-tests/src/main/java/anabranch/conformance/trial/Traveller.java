package anabranch.conformance.trial;

import anabranch.backend.Activations;
import anabranch.backend.Event;
import anabranch.backend.LoadedModel;
import anabranch.backend.Rows;
import anabranch.backend.SequenceState;
import anabranch.conformance.space.Sequence;
import anabranch.model.facts.Point;
import anabranch.model.facts.Step;
import anabranch.model.layer.Bypass;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The rows of one sequence on their way through one side of a model. Confined to one thread. */
final class Traveller {
  private static final byte LIVE = 0;
  private static final byte FROZEN = 1;
  private static final byte GONE = 2;

  final int number;
  final Sequence sequence;
  final Answered answered;
  final boolean encoder;

  /** Positions of the call that {@link #rows} made last, in order. */
  List<Integer> running = List.of();

  @Nullable SequenceState state;
  private final byte[] life;
  private final boolean[] done;
  private final int[] resume;
  private final @Nullable Bypass[] between;
  private final int[] chosen;
  private final int[] equal;
  private final int[] label;
  private final @Nullable Activations[] from;
  private final int[] index;

  Traveller(int number, Sequence sequence, Answered answered, boolean encoder) {
    this.number = number;
    this.sequence = sequence;
    this.answered = answered;
    this.encoder = encoder;
    int rows = encoder && sequence.memory() != null ? sequence.memory().rows() : sequence.rows();
    life = new byte[rows];
    done = new boolean[rows];
    resume = new int[rows];
    between = new Bypass[rows];
    chosen = new int[rows];
    equal = new int[rows];
    label = new int[rows];
    Arrays.fill(chosen, -1);
    Arrays.fill(equal, -1);
    Arrays.fill(label, -1);
    from = new Activations[rows];
    index = new int[rows];
  }

  /** Returns the number of rows of this side. */
  int size() {
    return life.length;
  }

  private Event eventAt(int position) {
    return encoder && sequence.memory() != null ? sequence.memory() : sequence.eventAt(position);
  }

  /** Returns the unit of a row at a point: the row, or its event. */
  int unitOf(Point point, int position) {
    return !point.pool().ofItem() ? position : encoder ? 0 : sequence.eventOf(position);
  }

  /** Returns whether a row runs in full at a step. */
  boolean live(Step step, int position) {
    return life[position] == LIVE && resume[position] <= step.index();
  }

  /** Returns whether a row still has decisions before it. */
  boolean asked(Step step, int position) {
    return live(step, position) && !done[position];
  }

  private boolean frozen(Step step, int position) {
    Bypass way = between[position];
    return life[position] == FROZEN
        || life[position] == LIVE
            && resume[position] > step.index()
            && way != null
            && way.freezes();
  }

  /** Returns the rows from {@code first} to before {@code end} that take part in a step. */
  Rows rows(Step step, int first, int end, boolean frozenMatter, Scoring scoring) {
    List<Integer> positions = new ArrayList<>();
    for (int p = first; p < end; p++) {
      if (live(step, p) || frozenMatter && frozen(step, p)) {
        positions.add(p);
      }
    }
    running = positions;
    int count = positions.size();
    Event[] events = new Event[count];
    @Nullable Activations[] handles = new Activations[count];
    int[] indices = new int[count];
    byte[] flags = new byte[count];
    for (int i = 0; i < count; i++) {
      int p = positions.get(i);
      events[i] = eventAt(p);
      handles[i] = from[p];
      indices[i] = index[p];
      boolean scored = asked(step, p) && scoring.scored(this, p);
      flags[i] = !live(step, p) ? Rows.FROZEN : scored ? Rows.SCORED : 0;
    }
    return new Rows(events, handles, indices, positions.stream().mapToInt(p -> p).toArray(), flags);
  }

  /** Says which rows are worth a score. */
  interface Scoring {
    /** Returns whether the score or output of a row can matter. */
    boolean scored(Traveller traveller, int position);
  }

  /** Remembers where the rows that just ran are. */
  void moved(Activations handle, int firstIndex) {
    for (int i = 0; i < running.size(); i++) {
      from[running.get(i)] = handle;
      index[running.get(i)] = firstIndex + i;
    }
  }

  /** Returns all rows where they are now, to become memory. */
  Rows memory() {
    Event[] events = new Event[size()];
    int[] positions = new int[size()];
    for (int p = 0; p < positions.length; p++) {
      events[p] = eventAt(p);
      positions[p] = p;
    }
    return new Rows(events, from.clone(), index.clone(), positions, new byte[size()]);
  }

  /** Counts a label; returns how many times in a row it has come. */
  int counted(int position, int now) {
    equal[position] = now == label[position] && equal[position] >= 0 ? equal[position] + 1 : 0;
    label[position] = now;
    return equal[position];
  }

  /** Takes a choice of depth for a row. */
  void choose(int position, int exit) {
    chosen[position] = exit;
  }

  /** Counts an exit that obeys choices down; returns whether it is the one that was chosen. */
  boolean reaches(int position) {
    return chosen[position]-- == 0;
  }

  /** Lets a row leave for good. */
  void leave(int position, @Nullable Bypass bypass) {
    done[position] = true;
    if (bypass != Bypass.DEFER_RECOMPUTE) {
      life[position] = bypass != null && bypass.freezes() ? FROZEN : GONE;
    }
  }

  /** Lets a row go on at a later step. */
  void jump(int position, Step step, Bypass bypass) {
    resume[position] = step.target();
    between[position] = bypass;
  }

  /** Drops a row. */
  void drop(int position) {
    life[position] = GONE;
    done[position] = true;
  }

  /** Returns whether no row has a decision before it. */
  boolean finished() {
    for (boolean each : done) {
      if (!each) {
        return false;
      }
    }
    return true;
  }

  /** Returns the state, made at need. */
  SequenceState state(LoadedModel model) {
    if (state == null) {
      state = model.newState(null);
    }
    return state;
  }
}
