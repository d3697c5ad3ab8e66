package anabranch.engine;

import anabranch.backend.Event;
import anabranch.backend.Rows;
import anabranch.backend.SequenceState;
import anabranch.backend.Trace;
import anabranch.engine.rows.Fill;
import anabranch.engine.rows.Held;
import anabranch.engine.rows.Route;
import anabranch.engine.rows.Tally;
import anabranch.engine.rows.Track;
import anabranch.engine.schedule.Mode;
import anabranch.model.facts.Cost;
import anabranch.model.facts.Point;
import anabranch.model.layer.Bypass;
import anabranch.model.plan.Criterion;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Objects;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/**
 * An item on its way: the rows of its event, first those that become memory, and what is known of
 * its answer; or the fills of a sequence on theirs. Confined to one lane at a time.
 */
final class Pending {
  /** Stays empty: nobody runs on in other modes. */
  private static final BitSet NOBODY = new BitSet(0);

  private final Item item;
  private final Policy policy;
  private final Lease.Answer answer;
  private final Service service;
  private final Route route;
  private final @Nullable Sequence owner;
  private final long submitted = System.nanoTime();
  private final boolean ofItem;
  private final boolean fillsOnly;
  private final Decisions.Labels labels = new Decisions.Labels();
  private final Inference.Draft draft;

  /** Units that were answered and run on, and those whose second answer is to be compared. */
  private final BitSet told;

  private final BitSet audited;
  private @Nullable Track memory;
  private Track track;
  private @Nullable SequenceState state;
  private boolean begun;
  private boolean delivered;
  private @Nullable Throwable failure;

  /** The rows of the step that was entered last. */
  private Track entered;

  /**
   * Creates an item that waits.
   *
   * @param item with keys where the model needs them
   * @param owner the sequence that it continues; null for a whole one
   */
  Pending(
      Item item, Policy policy, Lease.Answer answer, Service service, @Nullable Sequence owner) {
    this.item = item;
    this.policy = service.mode == Mode.FULL ? Policy.fullDepth() : policy;
    this.answer = answer;
    this.service = service;
    told = ofMode(service.mode);
    audited = ofMode(service.mode);
    this.owner = owner;
    route = service.route;
    fillsOnly = false;
    answer.of(service.version, this.policy.version());
    Event source = item.source();
    memory = source == null ? null : Track.whole(source, route);
    // An event of a sequence is given its rows with its place.
    track = owner == null ? Track.whole(item.event(), route) : Track.next(null, route);
    entered = track;
    ofItem = route.spec().head().pool().ofItem();
    draft = new Inference.Draft(ofItem ? 1 : item.event().rows(), route.spec().head().outputs());
  }

  /** Creates the fills of a sequence that has no event on its way. */
  Pending(Sequence owner, Service service, Item last, Lease.Answer nobody, List<Fill> fills) {
    this.item = last;
    this.policy = Policy.fullDepth();
    this.answer = nobody;
    this.service = service;
    told = ofMode(service.mode);
    audited = ofMode(service.mode);
    this.owner = owner;
    route = service.route;
    fillsOnly = true;
    ofItem = route.spec().head().pool().ofItem();
    track = Track.next(null, route);
    track.carry(fills);
    entered = track;
    draft = new Inference.Draft(0, route.spec().head().outputs());
  }

  /** Returns a set of units for the one mode in which some are answered and run on. */
  private static BitSet ofMode(Mode mode) {
    return mode == Mode.RESULT_ONLY ? new BitSet() : NOBODY;
  }

  Item item() {
    return item;
  }

  Policy policy() {
    return policy;
  }

  Lease.Answer answer() {
    return answer;
  }

  Service service() {
    return service;
  }

  @Nullable Sequence owner() {
    return owner;
  }

  /** Returns the sequence whose fills these are. */
  Sequence requireOwner() {
    return Objects.requireNonNull(owner);
  }

  long submitted() {
    return submitted;
  }

  /** Returns whether these are the fills of a sequence. */
  boolean fillsOnly() {
    return fillsOnly;
  }

  /** Returns how many rows wait for a batch. */
  int rows() {
    return track.rows() + memoryRows();
  }

  private int memoryRows() {
    return memory == null ? 0 : memory.rows();
  }

  /** Returns when the item becomes urgent if it waits before a step now, or never. */
  long urgentAt(int step, long now) {
    if (answer.drains()) {
      return now;
    } else if (item.within() == null || fillsOnly) {
      return Long.MAX_VALUE;
    }
    long needed = service.costs.remaining(step) + service.costs.longest();
    return submitted + item.within().toNanos() - needed;
  }

  Inference.Draft draft() {
    return draft;
  }

  long fullFlops() {
    Cost cost = route.cost();
    int first = track.position(0);
    if (first == 0) {
      return cost.full(track.rows(), memoryRows());
    }
    long earlier = cost.full(first) - cost.full(0);
    return cost.full(first + track.rows()) - earlier;
  }

  /** Takes its place behind the rows of its sequence. */
  void place(Event event, @Nullable Event source, List<Fill> fills) {
    memory = source == null ? null : Track.whole(source, route);
    track = Track.next(event, route);
    track.carry(fills);
    entered = track;
  }

  /** Returns what later events of its sequence must run, and lets go of it. */
  List<Fill> fills() {
    return track.fills();
  }

  /** Returns whether nothing of it runs any more. */
  boolean over() {
    return failure != null || finished() || unwanted();
  }

  private boolean finished() {
    return track.open() == 0;
  }

  /** Returns whether somebody else completed the answer. */
  boolean unwanted() {
    return !delivered && answer.isDone();
  }

  /** Returns whether some of it is in its sequence, and not all. */
  boolean halfway() {
    return begun && !(finished() && failure == null);
  }

  /** Returns the rows that a step is for. */
  Track track(Route.Leg leg) {
    return leg.stage().encoder() && memory != null ? memory : track;
  }

  /** Chooses the rows that run in a step; returns whether any does. */
  boolean enter(Route.Leg leg) {
    if (leg.stage().encoder() && memory == null) {
      return false;
    }
    entered = track(leg);
    return entered.enter(leg);
  }

  /** Returns the rows that run, packed for a backend. */
  Rows pack(Route.Leg leg) {
    return track(leg).pack(leg, row -> scored(leg, row));
  }

  /** Returns whether the encoder has left the rows that become memory and nobody took them. */
  boolean remembers() {
    return draft.memory() >= 0 && memory != null && memory.open() > 0;
  }

  /** Returns the rows that become memory; null without an encoder. */
  @Nullable Rows memory() {
    return memory == null ? null : memory.memory();
  }

  @Nullable SequenceState state() {
    return owner == null ? state : owner.state();
  }

  /** Takes over the state of the item's sequence; the rows that became memory are done with. */
  void state(SequenceState opened) {
    if (owner == null) {
      state = opened;
    } else {
      owner.state(opened);
    }
    if (memory != null) {
      memory.leave();
    }
  }

  /** Returns how many rows run in the step that was entered last. */
  int running() {
    return entered.running().length;
  }

  /** Its rows ran in a step. */
  void ran(Route.Leg leg) {
    begun |= !leg.stage().encoder();
  }

  boolean begun() {
    return begun;
  }

  /** Returns why it failed; null if it did not. */
  @Nullable Throwable failure() {
    return failure;
  }

  /** Lets go of everything that its sequence does not need. */
  void release() {
    if (owner == null) {
      track.release();
      if (state != null) {
        state.close();
        state = null;
      }
    }
    if (memory != null) {
      memory.release();
    }
  }

  /**
   * Returns whether a unit is to fire behind a step, whatever it scores; null if the policy says.
   */
  private @Nullable Boolean forced(Route.Leg leg, int row) {
    Inference.Borders borders = item.forced();
    Point point = leg.point();
    if (borders == null || fillsOnly) {
      return null;
    } else if (leg.stage().encoder() && !(point instanceof Point.AtHalt)) {
      Integer exit = point instanceof Point.AtExit ? borders.memoryExit() : null;
      return exit == null ? null : exit == leg.index();
    } else if (point instanceof Point.AtExit && borders.exits() != null) {
      return borders.exits().get(unit(row)) == leg.index();
    } else if (point instanceof Point.AtHalt && borders.halts() != null) {
      int unit = leg.ofItem() ? 0 : row;
      return borders.halts().getOrDefault(leg.index(), List.of()).contains(unit);
    }
    return null;
  }

  /**
   * Returns the positions that stay behind a prune whatever they score; null if the policy says.
   */
  @Nullable List<Integer> kept(Route.Leg leg) {
    Inference.Borders borders = item.forced();
    return borders == null || borders.kept() == null || fillsOnly
        ? null
        : borders.kept().getOrDefault(leg.index(), everyPosition());
  }

  private List<Integer> everyPosition() {
    return Arrays.stream(positions(track.present())).boxed().toList();
  }

  private boolean choosesNothing(Route.Leg leg) {
    Inference.Borders borders = item.forced();
    return leg.point() instanceof Point.AtChoice && borders != null && borders.exits() != null;
  }

  /** Returns whether a unit leaves at the exit of a step because its item was told to. */
  boolean forcedTo(Route.Leg leg, int row) {
    return leg.point() instanceof Point.AtExit
        && !leg.stage().encoder()
        && Boolean.TRUE.equals(forced(leg, row));
  }

  private int unit(int row) {
    return ofItem ? 0 : row;
  }

  private boolean runsOn(Route.Leg leg) {
    return service.mode == Mode.RESULT_ONLY && !leg.stage().encoder();
  }

  private boolean tellsAgain(Route.Leg leg, int row) {
    return runsOn(leg) && told.get(unit(row));
  }

  /** Returns whether a unit was answered at an earlier step and ran on. */
  boolean told(Route.Leg leg, int row) {
    return leg.point() instanceof Point.End && tellsAgain(leg, row);
  }

  /** Returns whether the score, the label or the output of a row that decides can matter. */
  boolean scored(Route.Leg leg, int row) {
    Point point = leg.point();
    if (point instanceof Point.End) {
      return true;
    } else if (point instanceof Point.AtExit && tellsAgain(leg, row)) {
      return false;
    }
    Boolean forced = forced(leg, row);
    if (forced != null) {
      return forced && point instanceof Point.AtExit && !leg.stage().encoder();
    } else if (choosesNothing(leg) || point instanceof Point.AtPrune && kept(leg) != null) {
      return false;
    } else if (leg.label() >= 0) {
      return fires(leg, labels.chosen(leg, row));
    }
    return leg.asks().stream().anyMatch(policy.thresholds()::containsKey);
  }

  /** Returns the score of a scored unit, of which the backend knows a number, a label, or none. */
  float score(Route.Leg leg, int row, float score, IntBuffer label, int inBatch) {
    if (forced(leg, row) != null || choosesNothing(leg)) {
      return score;
    } else if (leg.label() >= 0) {
      return labels.chosen(leg, row);
    } else if (leg.point().score() == Criterion.Score.PATIENCE) {
      return labels.patience(unit(row), label.get(inBatch), draft.units());
    }
    return score;
  }

  /** Takes over what a choice of depth said to a row. */
  void choose(Route.Leg leg, int row, int label) {
    labels.choose(leg, row, label, track(leg).rows());
  }

  /** Returns whether a unit fires behind a step with this score. */
  boolean fires(Route.Leg leg, int row, float score) {
    Point point = leg.point();
    if (point instanceof Point.End || point instanceof Point.Memory) {
      return true;
    } else if (point instanceof Point.AtExit && tellsAgain(leg, row)) {
      return false;
    }
    Boolean forced = forced(leg, row);
    return forced == null ? fires(leg, score) : forced;
  }

  private boolean fires(Route.Leg leg, float score) {
    Point point = leg.point();
    Criterion criterion =
        point instanceof Point.AtExit at
            ? at.exit().criterion()
            : point instanceof Point.AtHalt at ? at.halt().criterion() : null;
    Double threshold = leg.asks().isEmpty() ? null : policy.thresholds().get(leg.asks().get(0));
    return criterion != null && threshold != null && criterion.fires(score, threshold);
  }

  /** Adds what a score or an output behind a step costs; returns that. */
  long addHeadCost(Route.Leg leg) {
    long cost = route.cost().head(leg.stage().index());
    draft.add(cost);
    return cost;
  }

  /** Remembers where the rows that just ran are, and what running them cost. */
  void moved(Route.Leg leg, Held handle, int firstIndex, Tally tally) {
    IntPredicate answered = row -> tellsAgain(leg, row);
    draft.add(track(leg).moved(leg, memoryRows(), handle, firstIndex, answered, tally));
  }

  /** Records that a unit left, or is answered and runs on; its logits follow. */
  void left(Route.Leg leg, int row, float score) {
    if (told(leg, row)) {
      audited.set(unit(row));
    } else {
      int depth =
          ofItem
              ? Arrays.stream(track.present()).map(track::depth).max().orElse(0)
              : track.depth(row);
      draft.left(unit(row), leg.index(), depth, score);
      if (ofItem) {
        draft.positions(positions(track.present()));
      }
      if (runsOn(leg) && !(leg.point() instanceof Point.End)) {
        told.set(unit(row));
        return;
      }
    }
    leave(leg, row);
  }

  private void leave(Route.Leg leg, int row) {
    Bypass bypass = leg.point() instanceof Point.AtExit at ? at.exit().bypass() : Bypass.TERMINATE;
    if (!ofItem) {
      track.leave(row, leg.index(), bypass);
    } else if (owner == null) {
      track.leave();
    } else {
      track.leaveAll(leg.index(), bypass);
    }
  }

  private int[] positions(int[] rows) {
    return Arrays.stream(rows).map(track::position).toArray();
  }

  /**
   * Takes the logits of one unit from the front of a buffer; returns whether it was answered before
   * and says something else now.
   */
  boolean disagrees(int unit, FloatBuffer from) {
    if (audited.get(unit)) {
      return !draft.agrees(unit, from);
    }
    draft.answer(unit, from);
    return false;
  }

  /** Takes over what the mixtures and skips of a step chose for the running rows. */
  void traced(Route.Leg leg, Trace trace, int firstRow) {
    Track rows = track(leg);
    for (Trace.Choices batch : trace.choices()) {
      draft.chose(leg.name(batch), batch, firstRow, rows.running(), rows.rows());
    }
  }

  /** Takes the answer once every unit has one; returns whether it is to be shown now. */
  boolean deliver() {
    if (delivered || failure != null || fillsOnly || !complete()) {
      return false;
    }
    if (!ofItem) {
      int[] all = new int[track.rows()];
      Arrays.setAll(all, track::position);
      draft.positions(all);
    }
    delivered = true;
    if (finished()) {
      release();
    }
    return answer.take(new Inference(this, draft));
  }

  private boolean complete() {
    if (service.mode != Mode.RESULT_ONLY) {
      return finished();
    }
    return ofItem ? finished() || told.get(0) : track.allOpen(told::get);
  }

  /** Fails alone. */
  void fail(Throwable reason) {
    failure = reason;
    release();
    answer.tell(reason);
  }
}
