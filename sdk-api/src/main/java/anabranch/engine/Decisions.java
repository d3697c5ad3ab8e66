package anabranch.engine;

import anabranch.backend.StageResult;
import anabranch.engine.rows.Held;
import anabranch.engine.rows.Route;
import anabranch.engine.rows.Tally;
import anabranch.engine.rows.Track;
import anabranch.model.facts.Point;
import anabranch.model.plan.Loop;
import anabranch.model.plan.Prune;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/** What is decided behind one step of a batch: who leaves, jumps or is dropped, in batch order. */
final class Decisions {
  private final Route.Leg leg;
  private final List<Pending> items;
  private final Tally tally;
  private int[] units;
  private int[] inBatch;
  private int answers;
  private int left;
  private int forced;
  private int pruned;
  private int invalid;
  private int audited;
  private int disagreed;

  Decisions(Route.Leg leg, int items, boolean trace) {
    this.leg = leg;
    tally = new Tally(trace);
    this.items = new ArrayList<>(items);
    this.units = new int[items];
    this.inBatch = new int[items];
  }

  /** Returns how many units fired. */
  int left() {
    return left;
  }

  /** Returns how many of these left where their item was told to. */
  int forced() {
    return forced;
  }

  /** Returns how many rows were dropped. */
  int pruned() {
    return pruned;
  }

  /** Returns what the rows cost. */
  Tally tally() {
    return tally;
  }

  /** Returns how many units had a score that is no number. */
  int invalid() {
    return invalid;
  }

  /** Returns how many units were answered before and are compared now. */
  int audited() {
    return audited;
  }

  /** Returns how many of these say something else now; known once logits are delivered. */
  int disagreed() {
    return disagreed;
  }

  /** Decides for all units of a batch, whose rows are held by a handle now. */
  void take(List<Pending> batch, StageResult result, Held handle) {
    FloatBuffer scores = result.scores();
    IntBuffer labels = result.labels();
    int first = 0;
    for (int n = 0; n < batch.size(); n++) {
      Pending item = batch.get(n);
      Track track = item.track(leg);
      item.moved(leg, handle, first, tally);
      item.traced(leg, result.trace(), first);
      int[] running = track.running();
      boolean decided = false;
      for (int i = 0; i < running.length && !(decided && leg.ofItem()); i++) {
        if (track.decides(running[i], leg.index())) {
          decided = true;
          int unit = leg.ofItem() ? n : first + i;
          decide(item, track, running[i], track.scored(i), scores.get(unit), labels, unit);
        }
      }
      if (leg.point() instanceof Point.AtPrune at) {
        prune(item, track, at.prune(), scores, first);
      }
      first += running.length;
    }
  }

  private void decide(
      Pending item,
      Track track,
      int position,
      boolean scored,
      float given,
      IntBuffer labels,
      int unit) {
    Point point = leg.point();
    if (scored) {
      tally.head(item.told(leg, position), item.addHeadCost(leg));
    }
    if (point instanceof Point.AtChoice at) {
      if (scored) {
        invalid += Float.isNaN(given) ? 1 : 0;
        item.choose(leg, position, Float.isNaN(given) ? at.depths() - 1 : labels.get(unit));
      }
      return;
    }
    float score = scored ? item.score(leg, position, given, labels, unit) : given;
    if (item.fires(leg, position, score)) {
      boolean again = item.told(leg, position);
      audited += again ? 1 : 0;
      left += again ? 0 : 1;
      forced += item.forcedTo(leg, position) ? 1 : 0;
      fire(item, track, position, score, unit);
    } else if (scored && Float.isNaN(score)) {
      invalid++;
    }
  }

  private void fire(Pending item, Track track, int position, float score, int unit) {
    if (leg.point() instanceof Point.AtHalt at) {
      item.draft().halted(leg.index(), leg.ofItem() ? 0 : position);
      halt(track, position, at.halt());
    } else if (leg.stage().encoder()) {
      item.draft().memory(leg.index());
    } else {
      item.left(leg, position, score);
      add(item, position, unit);
    }
  }

  private void halt(Track track, int position, Loop.Halt halt) {
    for (int each : leg.ofItem() ? track.running() : new int[] {position}) {
      if (each >= 0) {
        track.jump(each, leg.index(), leg.step().target(), halt.bypass());
      }
    }
  }

  private void prune(Pending item, Track track, Prune prune, FloatBuffer scores, int first) {
    List<Integer> forced = item.kept(leg);
    Double share = item.policy().thresholds().get(prune.id());
    if (forced != null) {
      pruned += track.keep(Set.copyOf(forced));
    } else if (share != null) {
      pruned += track.prune(share, Set.copyOf(prune.kept()), scores, first);
    } else {
      return;
    }
    item.draft().kept(leg.index(), Arrays.stream(track.present()).map(track::position).toArray());
  }

  private void add(Pending item, int position, int indexInBatch) {
    if (answers == units.length) {
      units = Arrays.copyOf(units, Math.max(16, 2 * answers));
      inBatch = Arrays.copyOf(inBatch, units.length);
    }
    items.add(item);
    units[answers] = leg.ofItem() ? 0 : position;
    inBatch[answers++] = indexInBatch;
  }

  /** Returns the units that wait for logits, as the batch numbers them. */
  int[] unitsInBatch() {
    return Arrays.copyOf(inBatch, answers);
  }

  /** Hands each unit its logits, which stand one after the other. */
  void deliver(FloatBuffer logits) {
    for (int i = 0; i < answers; i++) {
      disagreed += items.get(i).disagrees(units[i], logits) ? 1 : 0;
    }
  }

  /** What the labels of one item's units said so far. */
  static final class Labels {
    private static final int[] NONE = {};

    private int[] chosen = NONE;
    private int[] last = NONE;
    private int[] equal = NONE;

    /**
     * Takes over what a choice of depth said: to one row, or to all that a pooled one speaks of.
     */
    void choose(Route.Leg leg, int position, int label, int rows) {
      if (chosen.length != rows) {
        chosen = new int[rows];
      }
      if (leg.ofItem()) {
        Arrays.fill(chosen, label);
      } else {
        chosen[position] = label;
      }
    }

    /** Returns 1 where the choice before named this exit, else 0. */
    float chosen(Route.Leg leg, int position) {
      return position < chosen.length && chosen[position] == leg.label() ? 1 : 0;
    }

    /** Returns how often in a row a unit had the label that it has now, from 0. */
    float patience(int unit, int label, int units) {
      if (last.length != units) {
        last = new int[units];
        equal = new int[units];
        Arrays.fill(last, -1);
      }
      equal[unit] = label == last[unit] ? equal[unit] + 1 : 0;
      last[unit] = label;
      return equal[unit];
    }
  }
}
