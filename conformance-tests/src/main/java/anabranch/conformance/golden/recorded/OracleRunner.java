package anabranch.conformance.golden.recorded;

import anabranch.conformance.reference.Decisions;
import anabranch.conformance.reference.Oracle;
import anabranch.conformance.reference.Verdict;
import anabranch.conformance.space.Sequence;
import anabranch.model.ModelSpec;
import anabranch.weights.Weights;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** Runs whole items in double precision. */
final class OracleRunner implements Runner {
  private final Oracle oracle;
  private final boolean ofItem;

  OracleRunner(ModelSpec spec, Weights weights) {
    oracle = new Oracle(spec, weights);
    ofItem = spec.head().pool().ofItem();
  }

  @Override
  public List<Outcome> run(List<Sequence> together, Leaving leaving) {
    List<Oracle.Item> items = new ArrayList<>();
    for (Sequence sequence : together) {
      Decisions decisions = Decisions.by(leaving.thresholds());
      if (leaving.step() != null) {
        int units = ofItem ? sequence.events().size() : sequence.rows();
        decisions = decisions.withExits(Collections.nCopies(units, leaving.step()));
      }
      items.add(new Oracle.Item(sequence.memory(), sequence.events(), decisions));
    }
    List<Verdict> verdicts = oracle.run(items);
    List<Outcome> outcomes = new ArrayList<>();
    for (int n = 0; n < verdicts.size(); n++) {
      outcomes.add(Outcome.of(together.get(n), verdicts.get(n)));
    }
    return outcomes;
  }

  @Override
  public double allowed() {
    return 0;
  }

  @Override
  public void close() {}
}
