package anabranch.engine;

import anabranch.backend.Activations;
import anabranch.backend.Event;
import anabranch.backend.Numerics;
import anabranch.backend.Rows;
import anabranch.backend.SequenceState;
import anabranch.backend.Trace;
import anabranch.model.ModelSpec;
import anabranch.model.facts.Cost;
import anabranch.model.facts.Point;
import anabranch.model.facts.StageSpec;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An item on its way: which of its rows are live, frozen or gone, where their hidden vectors are,
 * and what is known of its answer. Confined to one lane at a time.
 */
final class Pending {
  private static final byte LIVE = 0;
  private static final byte FROZEN = 1;
  private static final byte GONE = 2;

  private final Item item;
  private final Policy policy;
  private final Answer answer;
  private final ModelSpec spec;
  private final Numerics numerics;
  private final Cost cost;
  private final long submitted = System.nanoTime();
  private final int rows;
  private final boolean ofItem;
  private final byte[] state;
  private final int[] exits;
  private final int[] depths;
  private final float[] scores;
  private final float[] logits;
  private final Map<String, Trace.Choices> choices = new LinkedHashMap<>();
  private @Nullable SequenceState sequence;
  private int live;
  private long flops;

  /** The rows of the stage now running: their positions, in batch order. */
  private int[] running = new int[0];

  private @Nullable Activations from;
  private int @Nullable [] indexOf;

  Pending(Item item, Policy policy, Answer answer, ModelSpec spec, Numerics numerics, Cost cost) {
    this.item = item;
    this.policy = policy;
    this.answer = answer;
    this.spec = spec;
    this.numerics = numerics;
    this.cost = cost;
    rows = item.event().rows();
    ofItem = spec.head().pool().ofItem();
    live = rows;
    state = new byte[rows];
    int units = ofItem ? 1 : rows;
    exits = new int[units];
    depths = new int[units];
    scores = new float[units];
    Arrays.fill(scores, Float.NaN);
    logits = new float[Math.multiplyExact(units, spec.head().outputs())];
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

  String model() {
    return spec.name();
  }

  Numerics numerics() {
    return numerics;
  }

  long submitted() {
    return submitted;
  }

  int rows() {
    return rows;
  }

  int outputs() {
    return spec.head().outputs();
  }

  float[] logits() {
    return logits;
  }

  int[] exits() {
    return exits;
  }

  int[] depths() {
    return depths;
  }

  float[] scores() {
    return scores;
  }

  long flops() {
    return flops;
  }

  long fullFlops() {
    return cost.full(rows);
  }

  List<Trace.Choices> choices() {
    return List.copyOf(choices.values());
  }

  boolean finished() {
    return live == 0;
  }

  /** Returns whether a row left earlier and only its keys still matter. */
  boolean frozen(int position) {
    return state[position] == FROZEN;
  }

  /** Returns the positions that run in the stage for which {@link #rowsFor} was called last. */
  int[] running() {
    return running;
  }

  /** Returns where a unit is to leave whatever it scores; -1 where the policy decides. */
  private int forced(int unit) {
    List<Integer> forced = item.forcedExits();
    return forced == null ? -1 : forced.get(unit);
  }

  /**
   * Returns the rows for a stage: the live ones, and the frozen ones that some live row may read.
   */
  Rows rowsFor(StageSpec stage, boolean frozenMatter, boolean frozenTailMatters) {
    int last = rows - 1;
    while (!frozenTailMatters && last >= 0 && state[last] != LIVE) {
      last--;
    }
    int[] positions = new int[last + 1];
    int count = 0;
    for (int p = 0; p <= last; p++) {
      if (state[p] == LIVE || (frozenMatter && state[p] == FROZEN)) {
        positions[count++] = p;
      }
    }
    running = Arrays.copyOf(positions, count);
    Event[] events = new Event[count];
    Arrays.fill(events, item.event());
    @Nullable Activations[] handles = new Activations[count];
    int[] index = new int[count];
    byte[] flags = new byte[count];
    for (int i = 0; i < count; i++) {
      int p = running[i];
      handles[i] = from;
      index[i] = indexOf == null ? p : indexOf[p];
      flags[i] = state[p] == FROZEN ? Rows.FROZEN : scored(stage, p) ? Rows.SCORED : 0;
    }
    return new Rows(events, handles, index, running, flags);
  }

  /** Returns whether the score or output of a unit at this stage can matter. */
  boolean scored(StageSpec stage, int position) {
    int unit = ofItem ? 0 : position;
    if (!(stage.point() instanceof Point.AtExit at)) {
      return true;
    }
    return forced(unit) >= 0
        ? forced(unit) == stage.index()
        : policy.thresholds().containsKey(at.exit().id());
  }

  /**
   * Remembers where the hidden vectors of the rows that just ran are, and what running them cost.
   */
  void moved(StageSpec stage, Activations handle, int firstIndex) {
    int[] next = new int[rows];
    for (int i = 0; i < running.length; i++) {
      int p = running[i];
      next[p] = firstIndex + i;
      flops += state[p] == FROZEN ? cost.frozen(stage.index()) : cost.live(stage.index(), p, rows);
    }
    from = handle;
    indexOf = next;
  }

  @Nullable SequenceState sequence() {
    return sequence;
  }

  void sequence(SequenceState opened) {
    sequence = opened;
  }

  void closeSequence() {
    if (sequence != null) {
      sequence.close();
      sequence = null;
    }
  }

  void addHeadCost(int stage) {
    flops += cost.head(stage);
  }

  /** Returns whether a live unit leaves behind this stage with this score. */
  boolean leaves(StageSpec stage, int unit, float score) {
    if (!(stage.point() instanceof Point.AtExit at)) {
      return true;
    }
    if (forced(unit) >= 0) {
      return forced(unit) == stage.index();
    }
    Double threshold = policy.thresholds().get(at.exit().id());
    return threshold != null && at.exit().criterion().fires(score, threshold);
  }

  /** Records that a unit left; its logits follow. */
  void left(StageSpec stage, int unit, float score, boolean freezes) {
    exits[unit] = stage.index();
    depths[unit] = stage.firstBlock() + stage.blocks().size();
    scores[unit] = score;
    if (ofItem) {
      Arrays.fill(state, GONE);
      live = 0;
    } else {
      state[unit] = freezes ? FROZEN : GONE;
      live--;
    }
  }

  /** Takes over what the mixtures of a stage chose for the running rows. */
  void traced(Trace trace, int firstRow) {
    for (Trace.Choices batch : trace.choices()) {
      int k = batch.k();
      int[] experts = new int[rows * k];
      float[] gates = new float[rows * k];
      Arrays.fill(experts, -1);
      for (int i = 0; i < running.length; i++) {
        batch.experts().get((firstRow + i) * k, experts, running[i] * k, k);
        batch.gates().get((firstRow + i) * k, gates, running[i] * k, k);
      }
      choices.put(
          batch.path(),
          new Trace.Choices(batch.path(), k, IntBuffer.wrap(experts), FloatBuffer.wrap(gates)));
    }
  }

  /** Answers with what is known. */
  void complete() {
    closeSequence();
    answer.complete(new Inference(this, System.nanoTime() - submitted));
  }

  /** Fails alone. */
  void fail(Throwable reason) {
    closeSequence();
    answer.completeExceptionally(reason);
  }

  /** Returns a fresh list of those whose answer somebody still waits for; closes the others. */
  static List<Pending> wanted(List<Pending> all) {
    List<Pending> wanted = new ArrayList<>(all.size());
    for (Pending pending : all) {
      if (pending.answer.isDone()) {
        pending.closeSequence();
      } else {
        wanted.add(pending);
      }
    }
    return wanted;
  }
}
