package anabranch.engine;

import anabranch.backend.Numerics;
import anabranch.backend.Trace;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The answer to one item: what each unit said, where it left, and what that cost. A unit is a row,
 * or the whole item where the model's heads pool.
 *
 * <p>Immutable; any thread.
 */
public final class Inference {
  private final String item;
  private final String model;
  private final String version;
  private final String policy;
  private final Numerics numerics;
  private final int outputs;
  private final float[] logits;
  private final int[] exits;
  private final int[] depths;
  private final float[] scores;
  private final int[] positions;
  private final int memoryExit;
  private final Map<Integer, List<Integer>> halts;
  private final Map<Integer, List<Integer>> kept;
  private final long flops;
  private final long fullFlops;
  private final List<Trace.Choices> choices;
  private final long nanos;

  Inference(Pending pending, Draft draft) {
    item = pending.item().id();
    model = pending.service().model.spec().name();
    version = pending.service().version;
    policy = pending.policy().version();
    numerics = pending.service().model.numerics();
    outputs = draft.outputs;
    logits = draft.logits;
    exits = draft.exits;
    depths = draft.depths;
    scores = draft.scores;
    positions = draft.positions;
    memoryExit = draft.memoryExit;
    halts = draft.halts;
    kept = draft.kept;
    flops = draft.flops;
    fullFlops = pending.fullFlops();
    choices = List.copyOf(draft.choices.values());
    nanos = System.nanoTime() - pending.submitted();
  }

  /** Returns the id of the item. */
  public String item() {
    return item;
  }

  /** Returns the name of the model that answered. */
  public String model() {
    return model;
  }

  /** Returns the version of the model that answered, as it was named when it came into service. */
  public String version() {
    return version;
  }

  /** Returns what computed the numbers: device, number type and how far they repeat. */
  public Numerics numerics() {
    return numerics;
  }

  /** Returns the version of the policy the item ran under. */
  public String policy() {
    return policy;
  }

  /** Returns the number of units: rows, or 1. */
  public int units() {
    return exits.length;
  }

  /** Returns how many logits a unit has. */
  public int outputs() {
    return outputs;
  }

  /** Returns a read-only view of a unit's logits. */
  public FloatBuffer logits(int unit) {
    return FloatBuffer.wrap(logits, unit * outputs, outputs).slice().asReadOnlyBuffer();
  }

  /** Returns the class with the largest logit; the lowest index among equals. */
  public int label(int unit) {
    return largest(logits, unit * outputs, outputs);
  }

  private static int largest(float[] numbers, int start, int count) {
    int best = 0;
    for (int c = 1; c < count; c++) {
      if (numbers[start + c] > numbers[start + best]) {
        best = c;
      }
    }
    return best;
  }

  /** Returns the index of the step behind which a unit left. */
  public int exit(int unit) {
    return exits[unit];
  }

  /**
   * Returns how many blocks a unit ran before it left, each time counted where one ran again, and
   * those of an encoder not; for a whole item, those of the row that ran most.
   */
  public int depth(int unit) {
    return depths[unit];
  }

  /**
   * Returns the positions of the rows of which the answer is made, ascending: all but those that a
   * prune dropped.
   */
  public int[] positions() {
    return positions.clone();
  }

  /**
   * Returns the index of the step behind which the encoder's rows became memory; -1 for models
   * without an encoder.
   */
  public int memoryExit() {
    return memoryExit;
  }

  /**
   * Returns everything that was decided between steps: an item that is forced to the same, on
   * whatever backend, takes the same way.
   */
  public Borders borders() {
    return new Borders(Arrays.stream(exits).boxed().toList(), halts, kept, memoryExit);
  }

  /**
   * Returns the score with which a unit left: for the criterion {@code PATIENCE} the count, for
   * {@code CHOSEN} 1; NaN at the end of the plan, and where it was forced and not asked.
   */
  public float score(int unit) {
    return scores[unit];
  }

  /**
   * Returns the floating-point operations executed for this item: blocks, keys and values of frozen
   * rows, and every head and score that was evaluated; the encoder's too. Where a router decides
   * how much of a block runs, the most that it allows is counted, traced or not.
   */
  public long flops() {
    return flops;
  }

  /** Returns the floating-point operations of the same item at full depth. */
  public long fullFlops() {
    return fullFlops;
  }

  /**
   * Returns what each row saw, one entry for each run of a mixture or skip, in the order in which
   * they ran, -1 where a row did not run; empty unless the engine traces. An entry is named by its
   * path, such as {@code "blocks.0.mixture"}; where its block runs more than once in the plan,
   * loops to their last time, {@code #} and the number of the run follow, from 0: {@code
   * "blocks.0.mixture#1"}. Rows are those of the event; those of the encoder's event for its
   * blocks.
   */
  public List<Trace.Choices> choices() {
    return choices;
  }

  /** Returns the nanoseconds from submission to this answer. */
  public long nanos() {
    return nanos;
  }

  @Override
  public String toString() {
    return "Inference[" + item + ", " + units() + " units, policy " + policy + "]";
  }

  /**
   * What is decided about one item between steps: an inference says what was, an item what must be,
   * whatever anything scores. Where a part is null the policy decides. Immutable; any thread.
   *
   * @param exits for each unit the index of the step of an exit or of the last step; what is said
   *     of a row that a prune drops does not matter
   * @param halts by the step of a halt, the units that go on behind its loop from there: rows, or 0
   *     where the halt pools; steps without one may be missing
   * @param kept by the step of a prune, the positions that stay, at least one; steps of prunes that
   *     drop nothing may be missing
   * @param memoryExit the step behind which the encoder is left; -1 for models without one
   */
  public record Borders(
      @Nullable List<Integer> exits,
      @Nullable Map<Integer, List<Integer>> halts,
      @Nullable Map<Integer, List<Integer>> kept,
      @Nullable Integer memoryExit) {
    /** Copies the lists and maps. */
    public Borders {
      exits = exits == null ? null : List.copyOf(exits);
      halts = halts == null ? null : copy(halts);
      kept = kept == null ? null : copy(kept);
    }

    private static Map<Integer, List<Integer>> copy(Map<Integer, List<Integer>> map) {
      Map<Integer, List<Integer>> copies = new TreeMap<>();
      map.forEach((step, each) -> copies.put(step, List.copyOf(each)));
      return Map.copyOf(copies);
    }

    /** Returns borders that say where units leave, and nothing else. */
    public static Borders ofExits(List<Integer> steps) {
      return new Borders(steps, null, null, null);
    }
  }

  /** An answer in the making. Confined to one lane at a time. */
  static final class Draft {
    private static final int[] NONE = {};

    private final int outputs;
    private final int[] exits;
    private final int[] depths;
    private final float[] scores;
    private final float[] logits;
    private Map<String, Trace.Choices> choices = Map.of();
    private int[] positions = NONE;
    private Map<Integer, List<Integer>> halts = Map.of();
    private Map<Integer, List<Integer>> kept = Map.of();
    private int memoryExit = -1;
    private long flops;

    Draft(int units, int outputs) {
      this.outputs = outputs;
      exits = new int[units];
      depths = new int[units];
      scores = new float[units];
      Arrays.fill(scores, Float.NaN);
      logits = new float[Math.multiplyExact(units, outputs)];
    }

    int units() {
      return exits.length;
    }

    void add(long operations) {
      flops += operations;
    }

    void memory(int step) {
      memoryExit = step;
    }

    int memory() {
      return memoryExit;
    }

    void halted(int step, int unit) {
      halts = halts.isEmpty() ? new TreeMap<>() : halts;
      halts.computeIfAbsent(step, number -> new ArrayList<>()).add(unit);
    }

    void kept(int step, int[] positions) {
      kept = kept.isEmpty() ? new TreeMap<>() : kept;
      kept.put(step, Arrays.stream(positions).boxed().toList());
    }

    void positions(int[] all) {
      positions = all;
    }

    void left(int unit, int step, int depth, float score) {
      exits[unit] = step;
      depths[unit] = depth;
      scores[unit] = score;
    }

    /** Takes the logits of one unit from the front of a buffer. */
    void answer(int unit, FloatBuffer from) {
      from.get(logits, unit * outputs, outputs);
    }

    /** Returns whether logits at the front of a buffer name the class that the answer names. */
    boolean agrees(int unit, FloatBuffer from) {
      float[] other = new float[outputs];
      from.get(other);
      return largest(other, 0, outputs) == largest(logits, unit * outputs, outputs);
    }

    /** Takes over what a batch chose for some rows of an event; -1 for rows of others. */
    void chose(String name, Trace.Choices batch, int firstRow, int[] running, int rows) {
      int k = batch.k();
      int[] experts = new int[rows * k];
      float[] gates = new float[rows * k];
      Arrays.fill(experts, -1);
      for (int i = 0; i < running.length; i++) {
        if (running[i] < 0) {
          continue;
        }
        batch.experts().get((firstRow + i) * k, experts, running[i] * k, k);
        batch.gates().get((firstRow + i) * k, gates, running[i] * k, k);
      }
      choices = choices.isEmpty() ? new LinkedHashMap<>() : choices;
      choices.put(
          name,
          new Trace.Choices(
              name,
              batch.visit(),
              k,
              IntBuffer.wrap(experts),
              FloatBuffer.wrap(gates),
              IntBuffer.allocate(0)));
    }
  }
}
