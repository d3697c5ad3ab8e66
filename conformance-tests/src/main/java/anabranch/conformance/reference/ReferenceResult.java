package anabranch.conformance.reference;

import anabranch.backend.Activations;
import anabranch.backend.StageBatch;
import anabranch.backend.StageResult;
import anabranch.backend.Trace;
import anabranch.conformance.reference.PointPart.Unit;
import anabranch.conformance.reference.pass.Pass;
import anabranch.conformance.reference.pass.Row;
import anabranch.conformance.reference.pass.Taken;
import anabranch.conformance.reference.pass.Way;
import anabranch.conformance.reference.route.Choice;
import anabranch.model.facts.Point;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a call of a stage produced: the head has run for every scored unit. */
final class ReferenceResult implements StageResult {
  private final ReferenceStage stage;
  private final StageBatch batch;
  private final List<Row> rows;
  private final List<Boolean> scored;
  private final List<Trace.Choices> choices = new ArrayList<>();
  private final List<@Nullable Unit> units = new ArrayList<>();
  private @Nullable Hidden hidden;

  /**
   * Begins with rows that have entered.
   *
   * @param scored beside the rows
   */
  ReferenceResult(ReferenceStage stage, StageBatch batch, List<Row> rows, List<Boolean> scored) {
    this.stage = stage;
    this.batch = batch;
    this.rows = rows;
    this.scored = scored;
  }

  /** Writes down what routers did in a visit. */
  void trace(int visit, List<Pass> passes) {
    for (Pass pass : passes) {
      for (Taken taken : pass.taken) {
        if (batch.trace()) {
          choices.add(written(visit, taken));
        }
      }
    }
  }

  private static Trace.Choices written(int visit, Taken taken) {
    IntBuffer experts = IntBuffer.allocate(taken.choices.length * taken.most);
    FloatBuffer gates = FloatBuffer.allocate(taken.choices.length * taken.most);
    for (Choice choice : taken.choices) {
      int count = choice == null ? 0 : choice.taken().size();
      for (int i = 0; i < taken.most; i++) {
        experts.put(i < count ? choice.taken().get(i) : -1);
        gates.put(i < count ? choice.gates().get(i).floatValue() : 0);
      }
    }
    IntBuffer ran = IntBuffer.wrap(taken.ran.clone());
    return new Trace.Choices(taken.path, visit, taken.most, experts.flip(), gates.flip(), ran);
  }

  /** Scores every unit that is worth it, from rows that have run. */
  void judge() {
    hidden = new Hidden(rows, stage.carries());
    double[][] reads = new double[rows.size()][];
    if (stage.point.head != null) {
      reads = stage.point.head.read(rows, "head " + batch.slot());
    }
    int row = 0;
    for (int span = 0; span < batch.spans().size(); span++) {
      int end = row + batch.spans().get(span).rows().size();
      if (stage.spec.point() instanceof Point.AtPrune) {
        rank(row, end);
        row = end;
        continue;
      }
      List<Row> live = new ArrayList<>();
      List<double[]> read = new ArrayList<>();
      boolean any = false;
      for (; row < end; row++) {
        boolean runs = rows.get(row).way == Way.RUN;
        if (!stage.point.pool.ofItem()) {
          units.add(runs && scored.get(row) ? unit(List.of(rows.get(row)), one(reads[row])) : null);
        } else if (runs) {
          live.add(rows.get(row));
          read.add(reads[row]);
          any |= scored.get(row);
        }
      }
      if (stage.point.pool.ofItem()) {
        units.add(any ? unit(live, read) : null);
      }
    }
  }

  /** Scores the rows of one span where the least of them may be dropped. */
  private void rank(int first, int end) {
    List<Row> live = new ArrayList<>();
    boolean any = false;
    for (int row = first; row < end; row++) {
      if (rows.get(row).way == Way.RUN) {
        live.add(rows.get(row));
        any |= scored.get(row);
      }
    }
    double[] scores = any ? stage.point.rank(live, null).scores() : new double[live.size()];
    for (int row = first; row < end; row++) {
      boolean asked = rows.get(row).way == Way.RUN && scored.get(row);
      double score = asked ? scores[live.indexOf(rows.get(row))] : Double.NaN;
      units.add(asked ? new Unit(null, score, -1) : null);
    }
  }

  private static List<double[]> one(double @Nullable [] read) {
    List<double[]> list = new ArrayList<>();
    list.add(read);
    return list;
  }

  private Unit unit(List<Row> live, List<double[]> read) {
    return stage.point.judge(live, read, stage.spec.embeds());
  }

  @Override
  public Activations rows() {
    if (hidden == null) {
      throw new IllegalStateException("the stage has not run");
    }
    return hidden;
  }

  @Override
  public FloatBuffer scores() {
    FloatBuffer scores = FloatBuffer.allocate(units.size());
    for (Unit unit : units) {
      scores.put(unit == null ? Float.NaN : (float) unit.score());
    }
    return scores.flip().asReadOnlyBuffer();
  }

  @Override
  public IntBuffer labels() {
    boolean asked = stage.spec.point().labels();
    IntBuffer labels = IntBuffer.allocate(asked ? units.size() : 0);
    for (Unit unit : units) {
      if (asked) {
        labels.put(unit == null ? -1 : unit.label());
      }
    }
    return labels.flip().asReadOnlyBuffer();
  }

  @Override
  public void output(int[] asked, ByteBuffer into) {
    for (int number : asked) {
      Unit unit = units.get(number);
      double[] logits = unit == null ? null : unit.logits();
      if (logits == null) {
        throw new IllegalArgumentException("unit " + number + " is not scored, or has no head");
      }
      for (double logit : logits) {
        into.putFloat((float) logit);
      }
    }
  }

  @Override
  public Trace trace() {
    return new Trace(choices);
  }

  @Override
  public void close() {}
}
