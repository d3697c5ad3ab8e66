package anabranch.engine.rows;

import anabranch.backend.Activations;
import anabranch.backend.Event;
import anabranch.backend.Rows;
import anabranch.model.facts.Cost;
import anabranch.model.facts.Grouping;
import anabranch.model.facts.StageSpec;
import anabranch.model.layer.Bypass;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/**
 * The rows of one event on their way: which of them run in a step, and where their hidden vectors
 * are. Rows are numbered from 0, whatever their positions. Confined to one lane at a time.
 *
 * <p>A row is open until it has left. Then it is gone, or it goes along, frozen or live, while some
 * open row may still read it. An open row that jumped out of a loop waits for the step behind it;
 * until then it is frozen or absent. In a sequence that goes on, what a row still owes when the
 * event is over is kept as a fill, and the fills of earlier events run before the event's own rows.
 */
public final class Track {
  private static final byte OPEN = 0;
  private static final byte FROZEN = 1;
  private static final byte DEFERRED = 2;
  private static final byte GONE = 3;
  private static final int[] NONE = {};
  private static final byte[] UNFLAGGED = {};

  private final @Nullable Event event;
  private final Route route;
  private final boolean goesOn;
  private final byte[] state;
  private final int[] resume;
  private final int[] depth;
  private final @Nullable Held[] from;
  private final int[] index;
  private final @Nullable BitSet[] owed;
  private final List<Fill> fills = new ArrayList<>();
  private final List<Fill> later = new ArrayList<>();
  private boolean waitsFrozen;
  private int open;

  /** The rows of the step now running, in batch order: fills, -1 each, and then the event's. */
  private int[] running = NONE;

  private List<Fill> ahead = List.of();
  private byte[] flags = UNFLAGGED;

  private Track(@Nullable Event event, Route route, boolean goesOn) {
    this.event = event;
    this.route = route;
    this.goesOn = goesOn;
    int rows = event == null ? 0 : event.rows();
    open = rows;
    state = new byte[rows];
    resume = new int[rows];
    depth = new int[rows];
    from = new Held[rows];
    index = new int[rows];
    owed = new BitSet[rows];
  }

  /** Returns the rows of an item of their own: nothing comes behind them. */
  public static Track whole(Event event, Route route) {
    return new Track(event, route, false);
  }

  /** Returns the next rows of a sequence; null for fills alone. */
  public static Track next(@Nullable Event event, Route route) {
    return new Track(event, route, true);
  }

  /** Takes over the fills of the sequence, by ascending position, before the first step. */
  public void carry(List<Fill> earlier) {
    fills.addAll(earlier);
  }

  /** Returns how many rows the event has. */
  public int rows() {
    return state.length;
  }

  /** Returns how many rows have not left. */
  public int open() {
    return open;
  }

  /** Returns the position of a row in its sequence. */
  public int position(int row) {
    return first() + row;
  }

  private int first() {
    return event == null ? 0 : event.firstPosition();
  }

  /** Returns the rows that run in the step that was entered last, -1 for each fill. */
  public int[] running() {
    return running;
  }

  /** Returns whether a row decides behind a step: it is live there and has not left. */
  public boolean decides(int row, int step) {
    return row >= 0 && state[row] == OPEN && resume[row] <= step;
  }

  private boolean live(int row, int step) {
    return state[row] == DEFERRED || decides(row, step);
  }

  /** Chooses the rows that run in a step; returns whether any does. */
  public boolean enter(Route.Leg leg) {
    int step = leg.index();
    for (int row = 0; row < rows(); row++) {
      if (decides(row, step)) {
        park(row, false);
      }
    }
    int lastOpen = last(row -> state[row] == OPEN);
    int deferred = leg.wholeAhead() ? rows() : leg.earlierAhead() ? lastOpen : 0;
    int lastLive =
        last(r -> decides(r, step) || state[r] == DEFERRED && r < deferred && lastOpen >= 0);
    int frozen = frozenUntil(leg.stage(), lastLive, lastOpen);
    int[] chosen = new int[fills.size() + rows()];
    int count = 0;
    for (int row = 0; row < Math.max(lastLive + 1, frozen); row++) {
      boolean waits = state[row] == OPEN && resume[row] > step && waitsFrozen;
      if (decides(row, step)
          || state[row] == DEFERRED && row < deferred
          || row < frozen && (waits || state[row] == FROZEN)) {
        chosen[count++] = row;
      }
    }
    ahead = count > 0 || read(leg, lastOpen) ? owing(step) : List.of();
    running = new int[ahead.size() + count];
    Arrays.fill(running, 0, ahead.size(), -1);
    System.arraycopy(chosen, 0, running, ahead.size(), count);
    return running.length > 0;
  }

  /** Returns whether fills must run although no row of the event does. */
  private boolean read(Route.Leg leg, int lastOpen) {
    return rows() == 0
        || lastOpen >= 0
            && (route.showsAgain() || leg.earlierAhead() && fills.stream().anyMatch(Fill::live));
  }

  private List<Fill> owing(int step) {
    List<Fill> found = new ArrayList<>();
    for (Fill fill : fills) {
      if (fill.owes(step)) {
        found.add(fill);
      }
    }
    return found;
  }

  /** Returns the end of the rows of which frozen ones run in a stage. */
  private int frozenUntil(StageSpec stage, int lastLive, int lastOpen) {
    boolean whole = stage.grouping() == Grouping.WHOLE;
    if (!stage.mixes() || lastOpen < 0) {
      return 0;
    } else if (route.showsAgain()) {
      return whole ? rows() : Math.max(lastLive, lastOpen) + 1;
    }
    return lastLive < 0 ? 0 : whole ? rows() : lastLive + 1;
  }

  private int last(IntPredicate holds) {
    int row = rows() - 1;
    while (row >= 0 && !holds.test(row)) {
      row--;
    }
    return row;
  }

  /**
   * Returns the running rows for a backend.
   *
   * @param asked whether the score or the output of a row that decides can matter
   */
  public Rows pack(Route.Leg leg, IntPredicate asked) {
    int count = running.length;
    byte[] marks = new byte[count];
    Event[] events = new Event[count];
    @Nullable Activations[] handles = new Activations[count];
    int[] indices = new int[count];
    int[] positions = new int[count];
    for (int i = 0; i < count; i++) {
      int row = running[i];
      if (row < 0) {
        Fill fill = ahead.get(i);
        marks[i] = fill.live() ? 0 : Rows.FROZEN;
        events[i] = fill.event();
        handles[i] = fill.rows();
        indices[i] = fill.index();
        positions[i] = fill.position();
        continue;
      }
      if (!live(row, leg.index())) {
        marks[i] = Rows.FROZEN;
      } else if (decides(row, leg.index()) && asked.test(row)) {
        marks[i] = Rows.SCORED;
      }
      place(row, i, events, handles, indices, positions);
    }
    flags = marks;
    return new Rows(events, handles, indices, positions, marks);
  }

  /** Returns all rows as memory. */
  public Rows memory() {
    int count = rows();
    Event[] events = new Event[count];
    @Nullable Activations[] handles = new Activations[count];
    int[] indices = new int[count];
    int[] positions = new int[count];
    for (int row = 0; row < count; row++) {
      place(row, row, events, handles, indices, positions);
    }
    return new Rows(events, handles, indices, positions, new byte[count]);
  }

  private void place(
      int row, int i, Event[] events, @Nullable Activations[] handles, int[] indices, int[] at) {
    Held held = from[row];
    if (event != null) {
      events[i] = event;
    }
    handles[i] = held == null ? null : held.rows();
    indices[i] = held == null ? row : index[row];
    at[i] = position(row);
  }

  /** Returns whether a running row was scored. */
  public boolean scored(int inRunning) {
    return flags[inRunning] == Rows.SCORED;
  }

  /**
   * Remembers where the rows that just ran are, and returns what running them cost.
   *
   * @param answered tells the rows that have an answer and run on
   * @param tally what else is to know of them
   */
  public long moved(
      Route.Leg leg,
      int memoryRows,
      Held handle,
      int firstIndex,
      IntPredicate answered,
      Tally tally) {
    Cost cost = route.cost();
    int stage = leg.stage().index();
    long flops = 0;
    for (int i = 0; i < running.length; i++) {
      int row = running[i];
      int before = row < 0 ? ahead.get(i).position() : first() == 0 ? i : position(row);
      long each =
          flags[i] == Rows.FROZEN
              ? cost.frozen(stage)
              : cost.live(stage, before, running.length, memoryRows);
      tally.row(firstIndex + i, kind(i, answered), each);
      flops += each;
      if (row < 0) {
        ahead.get(i).ran(leg.index(), handle, firstIndex + i);
        continue;
      }
      release(row);
      from[row] = handle.used();
      index[row] = firstIndex + i;
      depth[row] += flags[i] == Rows.FROZEN ? 0 : leg.runs().size();
      BitSet owes = owed[row];
      if (owes != null) {
        owes.clear(leg.index());
      }
    }
    fills.removeIf(fill -> fill.first() < 0);
    return flops;
  }

  private Tally.Kind kind(int inRunning, IntPredicate answered) {
    int row = running[inRunning];
    if (row < 0) {
      return Tally.Kind.FILL;
    } else if (flags[inRunning] == Rows.FROZEN || state[row] == DEFERRED) {
      return Tally.Kind.KEPT;
    }
    return answered.test(row) ? Tally.Kind.SHADOW : Tally.Kind.OWN;
  }

  /** Returns how many blocks a row ran. */
  public int depth(int row) {
    return depth[row];
  }

  /** Returns the rows that are not gone. */
  public int[] present() {
    int[] all = new int[rows()];
    int count = 0;
    for (int row = 0; row < rows(); row++) {
      if (state[row] != GONE) {
        all[count++] = row;
      }
    }
    return Arrays.copyOf(all, count);
  }

  /** An open row leaves behind a step; its bypass says how it goes along. */
  public void leave(int row, int step, Bypass bypass) {
    state[row] = bypass.freezes() ? FROZEN : bypass == Bypass.DEFER_RECOMPUTE ? DEFERRED : GONE;
    open--;
    if (state[row] == GONE) {
      release(row);
    } else if (goesOn) {
      owed[row] =
          state[row] == FROZEN
              ? route.frozenBetween(step, route.legs().size())
              : route.deferredBehind(step);
    }
  }

  /** All open rows leave behind a step of a sequence that goes on. */
  public void leaveAll(int step, Bypass bypass) {
    for (int row = 0; row < rows(); row++) {
      if (state[row] == OPEN) {
        leave(row, step, bypass);
      }
    }
  }

  /** Returns whether every row that has not left fulfils a condition. */
  public boolean allOpen(IntPredicate condition) {
    return last(row -> state[row] == OPEN && !condition.test(row)) < 0;
  }

  /** All rows leave for good. */
  public void leave() {
    Arrays.fill(state, GONE);
    open = 0;
    release();
  }

  /** An open row jumps from behind a step to a later one. */
  public void jump(int row, int step, int target, Bypass bypass) {
    resume[row] = target;
    waitsFrozen = bypass.freezes();
    if (goesOn && waitsFrozen) {
      owed[row] = route.frozenBetween(step, target);
    }
  }

  /**
   * Drops running rows for good: all but a share of them, the least by score first; returns how
   * many.
   *
   * @param kept positions that stay
   * @param firstIndex of the running rows among the scores
   */
  public int prune(double share, Set<Integer> kept, FloatBuffer scores, int firstIndex) {
    List<Integer> ranked = new ArrayList<>();
    for (int i = ahead.size(); i < running.length; i++) {
      if (!kept.contains(position(running[i]))) {
        ranked.add(i);
      }
    }
    int all = running.length - ahead.size();
    int stay = Math.max(1, (int) Math.ceil(share * all));
    int free = Math.max(0, stay - (all - ranked.size()));
    ranked.sort(Comparator.comparingDouble(i -> rank(scores.get(firstIndex + i))));
    List<Integer> dropped = ranked.subList(Math.min(free, ranked.size()), ranked.size());
    for (int i : dropped) {
      leave(running[i], 0, Bypass.TERMINATE);
    }
    return dropped.size();
  }

  /**
   * Drops running rows for good: all but those at some positions.
   *
   * @return how many it dropped
   */
  public int keep(Set<Integer> positions) {
    int dropped = 0;
    for (int row : running) {
      if (row >= 0 && !positions.contains(position(row))) {
        leave(row, 0, Bypass.TERMINATE);
        dropped++;
      }
    }
    return dropped;
  }

  /** Ascending: high scores first, numbers before what is none; zeros of both signs are equal. */
  private static double rank(float score) {
    return Float.isNaN(score) ? Double.NaN : 0.0 - score;
  }

  /** Returns what is owed now that the event is over, by ascending position, and lets go of it. */
  public List<Fill> fills() {
    for (int row = 0; row < rows(); row++) {
      park(row, state[row] == DEFERRED);
    }
    List<Fill> all = new ArrayList<>(fills);
    all.addAll(later);
    all.sort(Comparator.comparingInt(Fill::position));
    fills.clear();
    later.clear();
    release();
    return all;
  }

  /** Makes a fill of what a row owes. */
  private void park(int row, boolean live) {
    BitSet owes = owed[row];
    Held held = from[row];
    owed[row] = null;
    if (event != null && held != null && owes != null && !owes.isEmpty()) {
      later.add(new Fill(event, position(row), live, owes, held.used(), index[row]));
    }
  }

  /** Lets go of all rows: none runs again. */
  public void release() {
    for (int row = 0; row < from.length; row++) {
      release(row);
    }
    fills.forEach(Fill::close);
    later.forEach(Fill::close);
    fills.clear();
    later.clear();
  }

  private void release(int row) {
    Held held = from[row];
    from[row] = null;
    if (held != null) {
      held.release();
    }
  }
}
