package anabranch.engine;

import anabranch.backend.LoadedModel;
import anabranch.backend.Numerics;
import anabranch.backend.Rows;
import anabranch.backend.SequenceState;
import anabranch.backend.Span;
import anabranch.backend.Stage;
import anabranch.backend.StageBatch;
import anabranch.backend.StageResult;
import anabranch.backend.StateImage;
import anabranch.engine.ScriptedRows.Handle;
import anabranch.engine.ScriptedRows.Keys;
import anabranch.engine.ScriptedRows.Result;
import anabranch.model.ModelSpec;
import anabranch.model.facts.Cut;
import anabranch.model.facts.Point;
import anabranch.model.facts.StageSpec;
import anabranch.model.facts.Step;
import anabranch.model.layer.Bypass;
import anabranch.model.plan.Criterion.Score;
import java.util.ArrayList;
import java.util.Collections;
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
 * it reads) / 1000}, where a key is the reader's view of h as the row entered the step, or what it
 * showed before under {@code FREEZE_SHARE_KV}; where the sequence has a memory, the sum of its rows
 * is added as if it were a key. The score of token t behind step s is 1 when {@code t % 10 == s},
 * NaN when {@code t % 10 == 9}, else 0; the label is t. The logits are {@code (h, s)}, or s times
 * what {@code tilt} says.
 */
public final class ScriptedModel implements LoadedModel {
  /** The number of a token behind a step. */
  public interface Told {
    double of(int token, int step);
  }

  final ModelSpec spec;
  final Cut cut;
  public final List<String> calls = Collections.synchronizedList(new ArrayList<>());
  public final AtomicInteger openHandles = new AtomicInteger();
  public final AtomicInteger openStates = new AtomicInteger();
  public final List<List<Double>> memories = Collections.synchronizedList(new ArrayList<>());
  public volatile boolean closed;
  public Consumer<StageBatch> before = batch -> {};
  public Told score = ScriptedModel::score;
  public Told label = (token, step) -> token;
  public int poison = -1;
  public Runnable restoring = () -> {};
  public float tilt = 1;

  /** Whether it refuses to work once it is closed. */
  public boolean strict;

  public ScriptedModel(ModelSpec spec) {
    this.spec = spec;
    this.cut = Cut.of(spec);
  }

  static double score(int token, int step) {
    return token % 10 == 9 ? Double.NaN : token % 10 == step ? 1 : 0;
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
    return cut.stages().stream().map(stage -> (Stage) batch -> run(stage, batch)).toList();
  }

  @Override
  public SequenceState newState(@Nullable Rows memory) {
    require(!strict || !closed, "a model that is open");
    require((memory != null) == (spec.encoder() != null), "memory exactly with an encoder");
    List<Double> kept = new ArrayList<>();
    for (int i = 0; memory != null && i < memory.size(); i++) {
      require(memory.position(i) == i, "all rows of the memory");
      require(memory.event(i).token(i) != poison, "poison " + poison);
      kept.add(((Handle) memory.from(i)).value(memory.index(i)));
    }
    memories.add(kept);
    openStates.incrementAndGet();
    return new Keys(openStates, kept.stream().mapToDouble(value -> value).sum());
  }

  @Override
  public SequenceState restore(StateImage image) {
    require(!strict || !closed, "a model that is open");
    restoring.run();
    openStates.incrementAndGet();
    return new Keys(openStates, 0).read(image);
  }

  @Override
  public void close() {
    require(!strict || openStates.get() == 0, "states are closed before their model");
    closed = true;
  }

  private StageResult run(StageSpec stage, StageBatch batch) {
    require(!strict || !closed, "a model that is open");
    before.accept(batch);
    Step step = cut.steps().get(batch.slot());
    require(step.stage().equals(stage), "the stage of step " + batch.slot());
    StringBuilder call = new StringBuilder("S" + batch.slot());
    double[] out = new double[batch.size()];
    boolean ofItem = stage.point().pool().ofItem();
    List<Float> scores = new ArrayList<>();
    List<Integer> labels = new ArrayList<>();
    Map<Keys, Map<Integer, Double>> written = new HashMap<>();
    int row = 0;
    for (Span span : batch.spans()) {
      Rows rows = span.rows();
      Keys keys = (Keys) span.state();
      require(stage.keepsState() == (keys != null), "state where the stage keeps some");
      Map<Integer, Double> shown = new HashMap<>();
      if (keys != null) {
        shown.putAll(keys.slots.getOrDefault(batch.slot(), Map.of()));
      }
      double[] entering = new double[rows.size()];
      call.append(' ');
      for (int i = 0; i < rows.size(); i++) {
        int p = rows.position(i);
        require(rows.event(i).token(p) != poison, "poison " + poison);
        require(i == 0 || p > rows.position(i - 1), "ascending positions");
        require(gaps() || keys == null || shown.size() == p, "row " + p + " before an earlier one");
        entering[i] =
            stage.embeds() ? rows.event(i).token(p) : ((Handle) rows.from(i)).value(rows.index(i));
        shown.put(p, shows(stage, batch.slot(), keys, rows, i, entering[i]));
        call.append(rows.frozen(i) ? "F" : rows.scored(i) ? "L*" : "L").append(p).append(',');
      }
      for (int i = 0; i < rows.size(); i++) {
        out[row++] = rows.frozen(i) ? entering[i] : next(stage, keys, shown, rows, i, entering[i]);
      }
      units(stage, batch.slot(), rows, ofItem, scores, labels);
      if (keys != null) {
        written.put(keys, shown);
      }
    }
    written.forEach((keys, shown) -> keys.slots.put(batch.slot(), shown));
    calls.add(call.toString());
    openHandles.incrementAndGet();
    return new Result(stage, new Handle(openHandles, out), scores, labels, batch, tilt);
  }

  /** Returns whether rows may be missing: they left unseen, or were dropped. */
  private boolean gaps() {
    return cut.stages().stream().anyMatch(s -> s.point() instanceof Point.AtPrune)
        || cut.stages().stream().map(StageSpec::point).anyMatch(ScriptedModel::masks);
  }

  private static boolean masks(Point point) {
    return point instanceof Point.AtExit at && at.exit().bypass() == Bypass.MASK
        || point instanceof Point.AtHalt halt && halt.halt().bypass() == Bypass.MASK;
  }

  private double shows(
      StageSpec stage, int slot, @Nullable Keys keys, Rows rows, int i, double entering) {
    if (!rows.frozen(i) || stage.frozen() != Bypass.FREEZE_SHARE_KV) {
      return entering;
    }
    int earlier = slot - 1;
    while (earlier >= 0 && !cut.steps().get(earlier).stage().mixes()) {
      earlier--;
    }
    require(keys != null && earlier >= 0, "keys from before");
    Double shown = keys.slots.getOrDefault(earlier, Map.of()).get(rows.position(i));
    require(shown != null, "row " + rows.position(i) + " showed keys in step " + earlier);
    return shown;
  }

  private static double next(
      StageSpec stage,
      @Nullable Keys keys,
      Map<Integer, Double> shown,
      Rows rows,
      int i,
      double entering) {
    double read = keys == null ? 0 : keys.memory;
    boolean causal = Scripts.causal(stage);
    if (stage.mixes()) {
      for (Map.Entry<Integer, Double> key : shown.entrySet()) {
        read += !causal || key.getKey() <= rows.position(i) ? key.getValue() : 0;
      }
    }
    return entering + stage.blocks().size() + read / 1000;
  }

  private void units(
      StageSpec stage,
      int slot,
      Rows rows,
      boolean ofItem,
      List<Float> scores,
      List<Integer> labels) {
    Score asked = stage.point().score();
    boolean given = asked != null && asked != Score.PATIENCE && asked != Score.CHOSEN;
    boolean any = false;
    for (int i = 0; i < rows.size(); i++) {
      any |= rows.scored(i);
    }
    for (int i = 0; i < (ofItem ? 1 : rows.size()); i++) {
      boolean scored = ofItem ? any : rows.scored(i);
      require(!scored || !rows.frozen(i), "scored rows are live");
      int token = rows.event(i).token(rows.position(i));
      scores.add(scored && given ? (float) score.of(token, slot) : Float.NaN);
      labels.add(scored ? (int) label.of(token, slot) : -1);
    }
  }

  static void require(boolean holds, String what) {
    if (!holds) {
      throw new IllegalArgumentException("contract: " + what);
    }
  }
}
