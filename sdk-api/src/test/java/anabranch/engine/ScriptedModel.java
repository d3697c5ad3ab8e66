package anabranch.engine;

import anabranch.backend.Activations;
import anabranch.backend.LoadedModel;
import anabranch.backend.Numerics;
import anabranch.backend.Rows;
import anabranch.backend.SequenceState;
import anabranch.backend.Span;
import anabranch.backend.Stage;
import anabranch.backend.StageBatch;
import anabranch.backend.StageResult;
import anabranch.backend.Trace;
import anabranch.model.ModelSpec;
import anabranch.model.facts.Cut;
import anabranch.model.facts.Point;
import anabranch.model.facts.StageSpec;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A model whose numbers are plain to see, and which refuses a caller that breaks the contract.
 *
 * <p>A row starts as its token id. A live row becomes {@code h + 1 + (sum of the keys of the rows
 * it reads) / 1000}, where a key is the reader's view of h as the row entered the stage. The score
 * of token t behind stage s is 1 when {@code t % 10 == s}, NaN when {@code t % 10 == 9}, else 0.
 * The logits are {@code (h, s)}.
 */
final class ScriptedModel implements LoadedModel {
  final ModelSpec spec;
  final List<StageSpec> cut;
  final List<String> calls = new ArrayList<>();
  final AtomicInteger openHandles = new AtomicInteger();
  final AtomicInteger openStates = new AtomicInteger();
  volatile boolean closed;
  Consumer<StageBatch> before = batch -> {};
  int poison = -1;

  ScriptedModel(ModelSpec spec) {
    this.spec = spec;
    this.cut = Cut.of(spec);
  }

  static double score(int token, int stage) {
    return token % 10 == 9 ? Double.NaN : token % 10 == stage ? 1 : 0;
  }

  @Override
  public ModelSpec spec() {
    return spec;
  }

  @Override
  public Numerics numerics() {
    return new Numerics(Numerics.Kind.BITWISE_BATCH_INVARIANT, 0, 0, "script", "fp64", List.of());
  }

  @Override
  public List<Stage> stages() {
    return cut.stream().map(stage -> (Stage) batch -> run(stage, batch)).toList();
  }

  @Override
  public SequenceState newState(@Nullable Rows memory) {
    openStates.incrementAndGet();
    return new Keys();
  }

  @Override
  public void close() {
    closed = true;
  }

  private StageResult run(StageSpec stage, StageBatch batch) {
    before.accept(batch);
    StringBuilder call = new StringBuilder("S" + stage.index());
    double[] out = new double[batch.size()];
    boolean ofItem = stage.point().head().pool().ofItem();
    List<Float> scores = new ArrayList<>();
    Map<Keys, Map<Integer, Double>> written = new HashMap<>();
    int row = 0;
    for (Span span : batch.spans()) {
      Rows rows = span.rows();
      Keys keys = (Keys) span.state();
      require(stage.keepsState() == (keys != null), "state where the stage keeps some");
      Map<Integer, Double> all = new HashMap<>();
      if (keys != null) {
        all.putAll(keys.slots.getOrDefault(batch.slot(), Map.of()));
      }
      call.append(' ');
      for (int i = 0; i < rows.size(); i++) {
        int p = rows.position(i);
        int token = rows.event(i).token(p);
        require(token != poison, "poison " + token);
        require(i == 0 || p > rows.position(i - 1), "ascending positions");
        require(keys == null || all.size() == p, "row " + p + " before an earlier one");
        double h = stage.embeds() ? token : ((Handle) rows.from(i)).values(rows.index(i));
        all.put(p, h);
        call.append(rows.frozen(i) ? "F" : rows.scored(i) ? "L*" : "L").append(p).append(',');
      }
      boolean anyScored = false;
      for (int i = 0; i < rows.size(); i++, row++) {
        int p = rows.position(i);
        double h = all.get(p);
        double read = 0;
        for (Map.Entry<Integer, Double> key : all.entrySet()) {
          read += keys == null || key.getKey() <= p ? key.getValue() : 0;
        }
        out[row] = rows.frozen(i) ? h : h + 1 + (stage.mixes() ? read / 1000 : 0);
        anyScored |= rows.scored(i);
        if (!ofItem) {
          boolean scored = rows.scored(i) && stage.point() instanceof Point.AtExit;
          scores.add(scored ? (float) score(rows.event(i).token(p), stage.index()) : Float.NaN);
        }
      }
      if (ofItem) {
        scores.add((float) score(rows.event(0).token(0), stage.index()));
        require(anyScored, "an item that is scored");
      }
      if (keys != null) {
        written.put(keys, all);
      }
    }
    written.forEach((keys, all) -> keys.slots.put(batch.slot(), all));
    calls.add(call.toString());
    openHandles.incrementAndGet();
    return new Result(stage, new Handle(out), scores, batch);
  }

  private static void require(boolean holds, String what) {
    if (!holds) {
      throw new IllegalArgumentException("contract: " + what);
    }
  }

  private final class Keys implements SequenceState {
    final Map<Integer, Map<Integer, Double>> slots = new HashMap<>();
    private boolean gone;

    @Override
    public long bytes() {
      return 0;
    }

    @Override
    public void close() {
      if (!gone) {
        gone = true;
        openStates.decrementAndGet();
      }
    }
  }

  private final class Handle implements Activations {
    private final double[] values;
    private boolean gone;

    Handle(double[] values) {
      this.values = values;
    }

    double values(int i) {
      require(!gone, "rows of a closed handle");
      return values[i];
    }

    @Override
    public long bytes() {
      return 8L * values.length;
    }

    @Override
    public void close() {
      require(!gone, "a handle closed twice");
      gone = true;
      openHandles.decrementAndGet();
    }
  }

  private record Result(StageSpec stage, Handle rows, List<Float> list, StageBatch batch)
      implements StageResult {
    @Override
    public FloatBuffer scores() {
      FloatBuffer scores = FloatBuffer.allocate(list.size());
      list.forEach(scores::put);
      return scores.flip();
    }

    @Override
    public IntBuffer labels() {
      return IntBuffer.allocate(0);
    }

    @Override
    public void output(int[] units, ByteBuffer into) {
      int[] firstRow = new int[batch.spans().size()];
      for (int s = 1; s < firstRow.length; s++) {
        firstRow[s] = firstRow[s - 1] + batch.spans().get(s - 1).rows().size();
      }
      boolean ofItem = stage.point().head().pool().ofItem();
      for (int unit : units) {
        into.putFloat((float) rows.values(ofItem ? firstRow[unit] : unit));
        into.putFloat(stage.index());
      }
    }

    @Override
    public Trace trace() {
      if (!batch.trace()) {
        return Trace.none();
      }
      int[] experts = new int[batch.size()];
      Arrays.fill(experts, stage.index());
      return new Trace(
          List.of(
              new Trace.Choices(
                  "stage" + stage.index(),
                  1,
                  IntBuffer.wrap(experts),
                  FloatBuffer.allocate(experts.length))));
    }

    @Override
    public void close() {}
  }
}
