package anabranch.engine;

import anabranch.backend.Activations;
import anabranch.backend.SequenceState;
import anabranch.backend.StageBatch;
import anabranch.backend.StageResult;
import anabranch.backend.StateImage;
import anabranch.backend.Trace;
import anabranch.model.facts.StageSpec;
import anabranch.model.facts.Visit;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;

/** What a scripted model gives away: rows, states and results, counted while they are open. */
final class ScriptedRows {
  private ScriptedRows() {}

  /** The keys of one sequence, by slot and position, and the sum of its memory. */
  static final class Keys implements SequenceState {
    final Map<Integer, Map<Integer, Double>> slots = new HashMap<>();
    final double memory;
    private final AtomicInteger open;
    private boolean gone;

    Keys(AtomicInteger open, double memory) {
      this.open = open;
      this.memory = memory;
    }

    @Override
    public int length() {
      return slots.getOrDefault(0, Map.of()).size();
    }

    @Override
    public long bytes() {
      return slots.values().stream().mapToLong(keys -> 12L * keys.size()).sum();
    }

    @Override
    public SequenceState fork() {
      ScriptedModel.require(!gone, "a state that is open");
      open.incrementAndGet();
      Keys fork = new Keys(open, memory);
      slots.forEach((slot, keys) -> fork.slots.put(slot, new HashMap<>(keys)));
      return fork;
    }

    /** Gives a page for each slot: position and key, one after the other. */
    @Override
    public StateImage image(long since) {
      ScriptedModel.require(!gone, "a state that is open");
      Map<Integer, ByteBuffer> pages = new HashMap<>();
      slots.forEach(
          (slot, keys) -> {
            ByteBuffer page = ByteBuffer.allocate(12 * keys.size());
            keys.forEach((position, key) -> page.putInt(position).putDouble(key));
            pages.put(slot, page.flip());
          });
      return new StateImage("script", since + 1, true, pages, Set.of());
    }

    Keys read(StateImage image) {
      image
          .pages()
          .forEach(
              (slot, page) -> {
                ByteBuffer from = page.duplicate();
                Map<Integer, Double> keys = new HashMap<>();
                while (from.hasRemaining()) {
                  keys.put(from.getInt(), from.getDouble());
                }
                slots.put(slot, keys);
              });
      return this;
    }

    @Override
    public void close() {
      if (!gone) {
        gone = true;
        open.decrementAndGet();
      }
    }
  }

  /** The numbers of the rows of one call. */
  static final class Handle implements Activations {
    private final AtomicInteger open;
    private final double[] values;
    private boolean gone;

    Handle(AtomicInteger open, double[] values) {
      this.open = open;
      this.values = values;
    }

    double value(int i) {
      ScriptedModel.require(!gone, "rows of a closed handle");
      return values[i];
    }

    @Override
    public long bytes() {
      return 8L * values.length;
    }

    @Override
    public void close() {
      ScriptedModel.require(!gone, "a handle closed twice");
      gone = true;
      open.decrementAndGet();
    }
  }

  /** The answer to one call. */
  record Result(
      StageSpec stage,
      Handle rows,
      List<Float> scoreOf,
      List<Integer> labelOf,
      StageBatch batch,
      float tilt)
      implements StageResult {
    @Override
    public FloatBuffer scores() {
      FloatBuffer scores = FloatBuffer.allocate(scoreOf.size());
      scoreOf.forEach(scores::put);
      return scores.flip();
    }

    @Override
    public IntBuffer labels() {
      return stage.point().labels()
          ? IntBuffer.wrap(labelOf.stream().mapToInt(label -> label).toArray())
          : IntBuffer.allocate(0);
    }

    @Override
    public void output(int[] units, ByteBuffer into) {
      ScriptedModel.require(stage.point().head() != null, "a head where logits are read");
      int[] firstRow = new int[batch.spans().size()];
      for (int s = 1; s < firstRow.length; s++) {
        firstRow[s] = firstRow[s - 1] + batch.spans().get(s - 1).rows().size();
      }
      boolean ofItem = stage.point().pool().ofItem();
      for (int unit : units) {
        into.putFloat((float) rows.value(ofItem ? firstRow[unit] : unit));
        into.putFloat(tilt * batch.slot());
      }
    }

    /** Says that every mixture picked the expert with the number of the step. */
    @Override
    public Trace trace() {
      List<Trace.Choices> choices = new ArrayList<>();
      for (int visit = 0; batch.trace() && visit < stage.visits().size(); visit++) {
        for (Visit.Member member : stage.visits().get(visit).blocks()) {
          int[] experts = new int[batch.size()];
          Arrays.fill(experts, batch.slot());
          choices.add(
              new Trace.Choices(
                  member.path() + ".mixture",
                  visit,
                  1,
                  IntBuffer.wrap(experts),
                  FloatBuffer.allocate(experts.length),
                  IntBuffer.allocate(0)));
        }
      }
      return new Trace(choices);
    }

    @Override
    public void close() {}
  }
}
