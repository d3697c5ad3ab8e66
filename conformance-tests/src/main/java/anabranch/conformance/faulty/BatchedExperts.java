package anabranch.conformance.faulty;

import anabranch.backend.Event;
import anabranch.backend.LoadOptions;
import anabranch.backend.LoadedModel;
import anabranch.backend.Rows;
import anabranch.backend.Span;
import anabranch.backend.StageBatch;
import anabranch.backend.StageResult;
import anabranch.conformance.reference.Decisions;
import anabranch.conformance.reference.Oracle;
import anabranch.conformance.reference.Verdict;
import anabranch.conformance.reference.route.Choice;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Mixture;
import anabranch.weights.Weights;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * In a batch, what the first expert of each row computes is added to the first row of all, while
 * single rows are right. Shown on models of one mixture whose logits are linear in it.
 */
final class BatchedExperts extends Broken {
  private @Nullable Oracle oracle;

  @Override
  public LoadedModel load(ModelSpec spec, Weights weights, LoadOptions options) {
    boolean linear =
        spec.name().equals("linear")
            && spec.plan().blocks().get(0).sublayers().get(0).operation() instanceof Mixture;
    oracle = linear ? new Oracle(spec, weights) : null;
    return super.load(spec, weights, options);
  }

  @Override
  StageResult run(LoadedModel model, int stage, StageBatch batch) {
    StageResult result = super.run(model, stage, batch);
    Oracle exact = oracle;
    Span span = batch.spans().get(0);
    if (exact == null || span.rows().size() == 1) {
      return result;
    }
    double[][] logits = misplaced(exact, span.rows());
    return new Told(result) {
      @Override
      public void output(int[] units, ByteBuffer into) {
        for (int unit : units) {
          for (double logit : logits[unit]) {
            into.putFloat((float) logit);
          }
        }
      }
    };
  }

  private static double[][] misplaced(Oracle oracle, Rows rows) {
    Event event = rows.event(0);
    Verdict whole = oracle.run(event, Decisions.by(Map.of()));
    String router = whole.routers().get(0);
    Map<Integer, List<Integer>> none = new HashMap<>();
    Map<Integer, List<Integer>> firsts = new HashMap<>();
    for (int row = 0; row < event.rows(); row++) {
      Choice choice = whole.choice(router, row);
      none.put(row, List.of(-1));
      firsts.put(row, choice == null ? List.of(-1) : List.of(choice.experts().get(0)));
    }
    Verdict base = oracle.run(event, Decisions.by(Map.of()).withExperts(Map.of(router, none)));
    Verdict first = oracle.run(event, Decisions.by(Map.of()).withExperts(Map.of(router, firsts)));
    double[][] logits = new double[event.rows()][];
    for (int row = 0; row < event.rows(); row++) {
      logits[row] = whole.logits(row);
    }
    for (int row = 1; row < event.rows(); row++) {
      for (int o = 0; o < logits[row].length; o++) {
        double moved = first.logits(row)[o] - base.logits(row)[o];
        logits[row][o] -= moved;
        logits[0][o] += moved;
      }
    }
    return logits;
  }
}
