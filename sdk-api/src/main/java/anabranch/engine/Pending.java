package anabranch.engine;

import anabranch.backend.Event;
import anabranch.backend.Numerics;
import anabranch.backend.Rows;
import anabranch.backend.SequenceState;
import anabranch.backend.Trace;
import anabranch.model.ModelSpec;
import anabranch.model.facts.Point;
import anabranch.model.layer.Bypass;
import anabranch.model.plan.Criterion;
import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * An item on its way: the rows of its event, first those that become memory, and what is known of
 * its answer. Confined to one lane at a time.
 */
final class Pending {
  private final Item item;
  private final Policy policy;
  private final Answer answer;
  private final Route route;
  private final Numerics numerics;
  private final long submitted = System.nanoTime();
  private final @Nullable Track memory;
  private final Track track;
  private final boolean ofItem;
  private final Decisions.Labels labels = new Decisions.Labels();
  private final Inference.Draft draft;
  private @Nullable SequenceState sequence;

  /** The rows of the step that was entered last. */
  private Track entered;

  /**
   * Creates an item that waits.
   *
   * @param event of the item, with a key where the model needs one
   * @param source what the encoder reads; null without one
   */
  Pending(
      Item item,
      Event event,
      @Nullable Event source,
      Policy policy,
      Answer answer,
      Route route,
      Numerics numerics) {
    this.item = item;
    this.policy = policy;
    this.answer = answer;
    this.route = route;
    this.numerics = numerics;
    memory = source == null ? null : new Track(source, route);
    track = new Track(event, route);
    entered = track;
    ofItem = route.spec().head().pool().ofItem();
    draft = new Inference.Draft(ofItem ? 1 : event.rows(), route.spec().head().outputs());
  }

  Item item() {
    return item;
  }

  Policy policy() {
    return policy;
  }

  Answer answer() {
    return answer;
  }

  ModelSpec spec() {
    return route.spec();
  }

  Numerics numerics() {
    return numerics;
  }

  long submitted() {
    return submitted;
  }

  /** Returns how many rows wait for a batch. */
  int rows() {
    return track.rows() + memoryRows();
  }

  private int memoryRows() {
    return memory == null ? 0 : memory.rows();
  }

  Inference.Draft draft() {
    return draft;
  }

  long fullFlops() {
    return route.cost().full(track.rows(), memoryRows());
  }

  boolean finished() {
    return track.open() == 0;
  }

  /** Returns the rows that a step is for. */
  Track track(Route.Leg leg) {
    return leg.stage().encoder() && memory != null ? memory : track;
  }

  /** Chooses the rows that run in a step; returns whether any does. */
  boolean enter(Route.Leg leg) {
    entered = track(leg);
    return entered.enter(leg);
  }

  /** Returns whether the encoder has left the rows that become memory and nobody took them. */
  boolean remembers() {
    return draft.memory() >= 0 && memory != null && memory.open() > 0;
  }

  /** Returns the rows that become memory; null without an encoder. */
  @Nullable Rows memory() {
    return memory == null ? null : memory.memory();
  }

  @Nullable SequenceState sequence() {
    return sequence;
  }

  /** Takes over the state of the item's sequence; the rows that became memory are done with. */
  void sequence(SequenceState opened) {
    sequence = opened;
    if (memory != null) {
      memory.leave();
    }
  }

  private void closeSequence() {
    if (sequence != null) {
      sequence.close();
      sequence = null;
    }
  }

  /** Returns how many rows run in the step that was entered last. */
  int running() {
    return entered.running().length;
  }

  /** Lets go of everything, as nobody waits for the answer. */
  void abandon() {
    closeSequence();
    track.release();
    if (memory != null) {
      memory.release();
    }
  }

  /** Returns where a unit is to leave whatever it scores; -1 where the policy decides. */
  private int forced(int position) {
    List<Integer> forced = item.forcedExits();
    return forced == null ? -1 : forced.get(ofItem ? 0 : position);
  }

  /** Returns whether the score, the label or the output of a row that decides can matter. */
  boolean scored(Route.Leg leg, int position) {
    Point point = leg.point();
    if (point instanceof Point.End) {
      return true;
    }
    int forced = leg.stage().encoder() ? -1 : forced(position);
    if (forced >= 0 && point instanceof Point.AtExit) {
      return forced == leg.index();
    } else if (forced >= 0 && point instanceof Point.AtChoice) {
      return false;
    } else if (leg.label() >= 0) {
      return fires(leg, labels.chosen(leg, position));
    }
    return leg.asks().stream().anyMatch(policy.thresholds()::containsKey);
  }

  /** Returns the score of a scored unit, of which the backend knows a number, a label, or none. */
  float score(Route.Leg leg, int position, float score, IntBuffer label, int inBatch) {
    if (!leg.stage().encoder() && forced(position) >= 0) {
      return score;
    } else if (leg.label() >= 0) {
      return labels.chosen(leg, position);
    } else if (leg.point().score() == Criterion.Score.PATIENCE) {
      return labels.patience(ofItem ? 0 : position, label.get(inBatch), draft.units());
    }
    return score;
  }

  /** Takes over what a choice of depth said to a row. */
  void choose(Route.Leg leg, int position, int label) {
    labels.choose(leg, position, label, track(leg).rows());
  }

  /** Returns whether a unit fires behind a step with this score. */
  boolean fires(Route.Leg leg, int position, float score) {
    Point point = leg.point();
    if (point instanceof Point.End || point instanceof Point.Memory) {
      return true;
    } else if (!leg.stage().encoder() && point instanceof Point.AtExit && forced(position) >= 0) {
      return forced(position) == leg.index();
    }
    return fires(leg, score);
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

  void addHeadCost(Route.Leg leg) {
    draft.add(route.cost().head(leg.stage().index()));
  }

  /** Remembers where the rows that just ran are, and what running them cost. */
  void moved(Route.Leg leg, Track.Held handle, int firstIndex) {
    draft.add(track(leg).moved(leg, route.cost(), memoryRows(), handle, firstIndex));
  }

  /** Records that a unit left; its logits follow. */
  void left(Route.Leg leg, int position, float score) {
    if (ofItem) {
      int[] positions = track.present();
      int depth = Arrays.stream(positions).map(track::depth).max().orElse(0);
      draft.positions(positions);
      draft.left(0, leg.index(), depth, score);
      track.leave();
    } else {
      draft.left(position, leg.index(), track.depth(position), score);
      track.leave(
          position, leg.point() instanceof Point.AtExit at ? at.exit().bypass() : Bypass.TERMINATE);
    }
  }

  /** Takes over what the mixtures and skips of a step chose for the running rows. */
  void traced(Route.Leg leg, Trace trace, int firstRow) {
    Track rows = track(leg);
    for (Trace.Choices batch : trace.choices()) {
      draft.chose(leg.name(batch), batch, firstRow, rows.running(), rows.rows());
    }
  }

  /** Answers with what is known. */
  void complete() {
    abandon();
    if (!ofItem) {
      draft.positions(IntStream.range(0, track.rows()).toArray());
    }
    answer.complete(new Inference(this, draft));
  }

  /** Fails alone. */
  void fail(Throwable reason) {
    abandon();
    answer.completeExceptionally(reason);
  }

  /** Returns those whose answer somebody still waits for; the others let go of everything. */
  static List<Pending> wanted(List<Pending> all) {
    List<Pending> wanted = new ArrayList<>(all.size());
    for (Pending pending : all) {
      if (pending.answer.isDone()) {
        pending.abandon();
      } else {
        wanted.add(pending);
      }
    }
    return wanted;
  }
}
