package anabranch.engine;

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
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/**
 * The rows of one event on their way: which of them run in a step, and where their hidden vectors
 * are. Confined to one lane at a time.
 *
 * <p>A row is open until it has left. Then it is gone, or it goes along, frozen or live, while some
 * open row may still read it. An open row that jumped out of a loop waits for the step behind it;
 * until then it is frozen or absent.
 */
final class Track {
  private static final byte OPEN = 0;
  private static final byte FROZEN = 1;
  private static final byte DEFERRED = 2;
  private static final byte GONE = 3;

  private final Event event;
  private final boolean showsAgain;
  private final byte[] state;
  private final int[] resume;
  private final int[] depth;
  private final @Nullable Held[] from;
  private final int[] index;
  private boolean waitsFrozen;
  private int open;

  /** The rows of the step now running, in batch order. */
  private int[] running = new int[0];

  private byte[] flags = new byte[0];

  Track(Event event, Route route) {
    this.event = event;
    showsAgain = route.showsAgain();
    int rows = event.rows();
    open = rows;
    state = new byte[rows];
    resume = new int[rows];
    depth = new int[rows];
    from = new Held[rows];
    index = new int[rows];
  }

  int rows() {
    return state.length;
  }

  /** Returns how many rows have not left. */
  int open() {
    return open;
  }

  /** Returns the positions that run in the step that was entered last. */
  int[] running() {
    return running;
  }

  /** Returns whether a row decides behind a step: it is live there and has not left. */
  boolean decides(int position, int step) {
    return state[position] == OPEN && resume[position] <= step;
  }

  private boolean live(int position, int step) {
    return state[position] == DEFERRED || decides(position, step);
  }

  /** Chooses the rows that run in a step; returns whether any does. */
  boolean enter(Route.Leg leg) {
    int step = leg.index();
    int lastOpen = last(p -> state[p] == OPEN);
    int deferred = leg.wholeAhead() ? rows() : leg.earlierAhead() ? lastOpen : 0;
    int lastLive =
        last(p -> decides(p, step) || state[p] == DEFERRED && p < deferred && lastOpen >= 0);
    int frozen = frozenUntil(leg.stage(), lastLive, lastOpen);
    int[] chosen = new int[rows()];
    int count = 0;
    for (int p = 0; p < Math.max(lastLive + 1, frozen); p++) {
      boolean waits = state[p] == OPEN && resume[p] > step && waitsFrozen;
      if (decides(p, step)
          || state[p] == DEFERRED && p < deferred
          || p < frozen && (waits || state[p] == FROZEN)) {
        chosen[count++] = p;
      }
    }
    running = Arrays.copyOf(chosen, count);
    return count > 0;
  }

  /** Returns the end of the positions at which frozen rows run in a stage. */
  private int frozenUntil(StageSpec stage, int lastLive, int lastOpen) {
    boolean whole = stage.grouping() == Grouping.WHOLE;
    if (!stage.mixes() || lastOpen < 0) {
      return 0;
    } else if (showsAgain) {
      return whole ? rows() : Math.max(lastLive, lastOpen) + 1;
    }
    return lastLive < 0 ? 0 : whole ? rows() : lastLive + 1;
  }

  private int last(IntPredicate holds) {
    int p = rows() - 1;
    while (p >= 0 && !holds.test(p)) {
      p--;
    }
    return p;
  }

  /** Returns the running rows for a backend. */
  Rows pack(Route.Leg leg, Pending item) {
    byte[] marks = new byte[running.length];
    for (int i = 0; i < running.length; i++) {
      int p = running[i];
      if (!live(p, leg.index())) {
        marks[i] = Rows.FROZEN;
      } else if (decides(p, leg.index()) && item.scored(leg, p)) {
        marks[i] = Rows.SCORED;
      }
    }
    flags = marks;
    return rows(running, marks);
  }

  /** Returns all rows as memory. */
  Rows memory() {
    int[] all = new int[rows()];
    Arrays.setAll(all, p -> p);
    return rows(all, new byte[rows()]);
  }

  private Rows rows(int[] positions, byte[] marks) {
    int count = positions.length;
    Event[] events = new Event[count];
    Arrays.fill(events, event);
    @Nullable Activations[] handles = new Activations[count];
    int[] indices = new int[count];
    for (int i = 0; i < count; i++) {
      Held held = from[positions[i]];
      handles[i] = held == null ? null : held.rows;
      indices[i] = held == null ? positions[i] : index[positions[i]];
    }
    return new Rows(events, handles, indices, positions, marks);
  }

  /** Returns whether a running row was scored. */
  boolean scored(int inRunning) {
    return flags[inRunning] == Rows.SCORED;
  }

  /** Remembers where the rows that just ran are, and returns what running them cost. */
  long moved(Route.Leg leg, Cost cost, int memoryRows, Held handle, int firstIndex) {
    int stage = leg.stage().index();
    long flops = 0;
    for (int i = 0; i < running.length; i++) {
      int p = running[i];
      release(p);
      from[p] = handle.used();
      index[p] = firstIndex + i;
      if (flags[i] == Rows.FROZEN) {
        flops += cost.frozen(stage);
      } else {
        flops += cost.live(stage, i, running.length, memoryRows);
        depth[p] += leg.runs().size();
      }
    }
    return flops;
  }

  /** Returns how many blocks a row ran. */
  int depth(int position) {
    return depth[position];
  }

  /** Returns the positions that are not gone. */
  int[] present() {
    int[] all = new int[rows()];
    int count = 0;
    for (int p = 0; p < rows(); p++) {
      if (state[p] != GONE) {
        all[count++] = p;
      }
    }
    return Arrays.copyOf(all, count);
  }

  /** An open row leaves; its bypass says how it goes along. */
  void leave(int position, Bypass bypass) {
    state[position] =
        bypass.freezes() ? FROZEN : bypass == Bypass.DEFER_RECOMPUTE ? DEFERRED : GONE;
    open--;
    if (state[position] == GONE) {
      release(position);
    }
  }

  /** All rows leave for good. */
  void leave() {
    Arrays.fill(state, GONE);
    open = 0;
    release();
  }

  /** An open row jumps to a later step. */
  void jump(int position, int target, Bypass bypass) {
    resume[position] = target;
    waitsFrozen = bypass.freezes();
  }

  /**
   * Drops running rows for good: all but a share of them, the least by score first.
   *
   * @param kept positions that stay
   * @param firstIndex of the running rows among the scores
   */
  void prune(double share, Set<Integer> kept, FloatBuffer scores, int firstIndex) {
    List<Integer> ranked = new ArrayList<>();
    for (int i = 0; i < running.length; i++) {
      if (!kept.contains(running[i])) {
        ranked.add(i);
      }
    }
    int stay = Math.max(1, (int) Math.ceil(share * running.length));
    int free = Math.max(0, stay - (running.length - ranked.size()));
    ranked.sort(Comparator.comparingDouble(i -> rank(scores.get(firstIndex + i))));
    for (int i : ranked.subList(Math.min(free, ranked.size()), ranked.size())) {
      leave(running[i], Bypass.TERMINATE);
    }
  }

  /** Ascending: high scores first, numbers before what is none; zeros of both signs are equal. */
  private static double rank(float score) {
    return Float.isNaN(score) ? Double.NaN : 0.0 - score;
  }

  /** Lets go of all rows: none runs again. */
  void release() {
    for (int p = 0; p < from.length; p++) {
      release(p);
    }
  }

  private void release(int position) {
    Held held = from[position];
    from[position] = null;
    if (held != null) {
      held.release();
    }
  }

  /**
   * Rows of one call, closed when whoever holds some of them has let go. Thread-safe: items of one
   * call may go on in different lanes.
   */
  static final class Held {
    private final Activations rows;
    private final AtomicInteger uses = new AtomicInteger(1);

    /** Holds the rows for whoever made them. */
    Held(Activations rows) {
      this.rows = rows;
    }

    Held used() {
      uses.incrementAndGet();
      return this;
    }

    void release() {
      if (uses.decrementAndGet() == 0) {
        rows.close();
      }
    }
  }
}
