package anabranch.conformance.reference;

import anabranch.backend.Activations;
import anabranch.backend.Event;
import anabranch.backend.Rows;
import anabranch.backend.Span;
import anabranch.backend.Stage;
import anabranch.backend.StageBatch;
import anabranch.backend.StageResult;
import anabranch.backend.Trace;
import anabranch.conformance.reference.AttentionPart.Shown;
import anabranch.conformance.reference.ReferenceBackend.Model;
import anabranch.conformance.reference.ReferenceBackend.State;
import anabranch.conformance.reference.Verdict.Choice;
import anabranch.model.Block;
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
import org.jspecify.annotations.Nullable;

/** One stage of the reference backend. Thread-safe: a call keeps everything on its own stack. */
final class ReferenceStage implements Stage {
  private final Model model;
  private final StageSpec spec;
  private final @Nullable EmbeddingPart embedding;
  private final List<SublayerPart> sublayers = new ArrayList<>();
  private final HeadPart head;

  ReferenceStage(Model model, StageSpec spec, Parameters parameters) {
    this.model = model;
    this.spec = spec;
    embedding = spec.embeds() ? new EmbeddingPart(model.spec(), parameters) : null;
    int index = spec.firstBlock();
    for (Block block : spec.blocks()) {
      sublayers.addAll(SublayerPart.of(block, index++, parameters));
    }
    head = new HeadPart(spec.point().head(), spec.point().path(), parameters);
  }

  /** Runs span by span; states are written after the last span has succeeded. */
  @Override
  public StageResult run(StageBatch batch) {
    model.requireOpen();
    List<SpanRun> runs = new ArrayList<>();
    for (Span span : batch.spans()) {
      SpanRun run = new SpanRun(batch.slot(), span);
      run.whole();
      runs.add(run);
    }
    Result result = new Result(runs, batch.trace());
    for (SpanRun run : runs) {
      if (run.state != null) {
        run.state.publish(run.draft);
      }
    }
    return result;
  }

  /** The rows of one sequence on their way through this stage. */
  private final class SpanRun {
    private final int slot;
    private final Rows rows;
    private final @Nullable State state;
    private final State.Draft draft = new State.Draft();
    private final double[][] x; // [rows, width]
    private final Map<String, @Nullable Choice[]> choices = new HashMap<>();

    SpanRun(int slot, Span span) {
      this.slot = slot;
      rows = span.rows();
      state = (State) span.state();
      x = new double[rows.size()][];
    }

    void whole() {
      if (state != null) {
        state.requireOpen();
      }
      for (int i = 0; i < rows.size(); i++) {
        x[i] = enter(i);
      }
      for (SublayerPart sublayer : sublayers) {
        if (sublayer.attention != null) {
          attend(sublayer, sublayer.attention);
        } else if (sublayer.mixture != null) {
          mix(sublayer, sublayer.mixture);
        } else {
          for (int i = 0; i < rows.size(); i++) {
            if (!rows.frozen(i)) {
              x[i] = sublayer.behind(x[i], sublayer.network(sublayer.input(x[i])));
            }
          }
        }
      }
    }

    /** Returns the hidden vector with which row i comes in: embedded here, or from its handle. */
    private double[] enter(int i) {
      if (embedding == null) {
        Hidden from = (Hidden) rows.from(i);
        if (from == null) {
          throw new IllegalArgumentException("row " + i + " has no hidden vector");
        }
        return from.row(rows.index(i));
      }
      Event event = rows.event(i);
      if (event.hasTokens()) {
        draft.tokens.put(rows.position(i), event.token(rows.position(i)));
      }
      return embedding.of(event, rows.position(i), at -> earlier(event, at));
    }

    private int earlier(Event event, int position) {
      if (position >= event.firstPosition()) {
        return event.token(position);
      }
      if (state == null) {
        throw new IllegalArgumentException("position " + position + " is before " + event);
      }
      return state.token(position);
    }

    private void attend(SublayerPart sublayer, AttentionPart attention) {
      String key = slot + " " + attention.path;
      Map<Integer, Shown> visible = new HashMap<>(state == null ? Map.of() : state.shown(key));
      Map<Integer, Shown> mine = new HashMap<>();
      for (int i = 0; i < rows.size(); i++) {
        mine.put(rows.position(i), attention.show(sublayer.input(x[i]), rows.position(i)));
      }
      visible.putAll(mine);
      draft.shown.put(key, mine);
      for (int i = 0; i < rows.size(); i++) {
        if (!rows.frozen(i)) {
          int position = rows.position(i);
          List<Shown> read = new ArrayList<>();
          visible.keySet().stream()
              .sorted()
              .filter(other -> other <= position || !attention.causal)
              .forEach(other -> read.add(visible.get(other)));
          x[i] = sublayer.behind(x[i], attention.read(sublayer.input(x[i]), position, read));
        }
      }
    }

    private void mix(SublayerPart sublayer, MixturePart mixture) {
      @Nullable Choice[] taken = new Choice[rows.size()];
      for (int i = 0; i < rows.size(); i++) {
        if (!rows.frozen(i)) {
          double[] input = sublayer.input(x[i]);
          Event event = rows.event(i);
          int token = event.hasTokens() ? event.token(rows.position(i)) : 0;
          Choice choice = mixture.router.choose(input, token, null);
          taken[i] = choice;
          x[i] = sublayer.behind(x[i], mixture.combine(input, choice));
        }
      }
      choices.put(mixture.path, taken);
    }

    /** Adds the vector of each unit, {@code [width]}; null for units that are not scored. */
    private void units(List<double @Nullable []> into) {
      if (!head.head.pool().ofItem()) {
        for (int i = 0; i < rows.size(); i++) {
          into.add(rows.scored(i) && !rows.frozen(i) ? x[i] : null);
        }
        return;
      }
      List<double[]> live = new ArrayList<>();
      boolean scored = false;
      for (int i = 0; i < rows.size(); i++) {
        if (!rows.frozen(i)) {
          live.add(x[i]);
          scored |= rows.scored(i);
        }
      }
      into.add(scored ? head.pool(live) : null);
    }
  }

  /** Rows between stages. */
  private static final class Hidden implements Activations {
    private final double[][] rows; // [rows, width]
    private volatile boolean closed;

    Hidden(double[][] rows) {
      this.rows = rows;
    }

    double[] row(int index) {
      if (closed) {
        throw new IllegalStateException("the rows are closed");
      }
      return rows[index];
    }

    @Override
    public long bytes() {
      return rows.length == 0 ? 0 : 8L * rows.length * rows[0].length;
    }

    @Override
    public void close() {
      closed = true;
    }
  }

  /** What a call produced: the head has run for every scored unit. */
  private final class Result implements StageResult {
    private final Hidden hidden;
    private final double[] @Nullable [] logits; // [units, outputs]
    private final float[] scores; // [units]
    private final Trace trace;

    Result(List<SpanRun> runs, boolean traced) {
      List<double[]> all = new ArrayList<>();
      List<double @Nullable []> units = new ArrayList<>();
      for (SpanRun run : runs) {
        all.addAll(Arrays.asList(run.x));
        run.units(units);
      }
      hidden = new Hidden(all.toArray(new double[0][]));
      logits = new double[units.size()][];
      scores = new float[units.size()];
      Arrays.fill(scores, Float.NaN);
      for (int unit = 0; unit < scores.length; unit++) {
        double[] x = units.get(unit);
        if (x != null) {
          double[] z = head.logits(x);
          logits[unit] = z;
          if (spec.point() instanceof Point.AtExit at) {
            scores[unit] = (float) HeadPart.score(at.exit().criterion().score(), z);
          }
        }
      }
      trace = traced ? new Trace(choices(runs, all.size())) : Trace.none();
    }

    private List<Trace.Choices> choices(List<SpanRun> runs, int rows) {
      List<Trace.Choices> all = new ArrayList<>();
      for (SublayerPart sublayer : sublayers) {
        MixturePart mixture = sublayer.mixture;
        if (mixture != null) {
          IntBuffer experts = IntBuffer.allocate(rows * mixture.k());
          FloatBuffer gates = FloatBuffer.allocate(rows * mixture.k());
          for (SpanRun run : runs) {
            for (Choice choice : run.choices.get(mixture.path)) {
              for (int i = 0; i < mixture.k(); i++) {
                experts.put(choice == null ? -1 : choice.experts().get(i));
                gates.put(choice == null ? 0 : choice.gates().get(i).floatValue());
              }
            }
          }
          all.add(new Trace.Choices(mixture.path, mixture.k(), experts.flip(), gates.flip()));
        }
      }
      return all;
    }

    @Override
    public Activations rows() {
      return hidden;
    }

    @Override
    public FloatBuffer scores() {
      return FloatBuffer.wrap(scores).asReadOnlyBuffer();
    }

    @Override
    public IntBuffer labels() {
      return IntBuffer.allocate(0);
    }

    @Override
    public void output(int[] units, ByteBuffer into) {
      for (int unit : units) {
        double[] z = logits[unit];
        if (z == null) {
          throw new IllegalArgumentException("unit " + unit + " is not scored");
        }
        for (double logit : z) {
          into.putFloat((float) logit);
        }
      }
    }

    @Override
    public Trace trace() {
      return trace;
    }

    @Override
    public void close() {}
  }
}
