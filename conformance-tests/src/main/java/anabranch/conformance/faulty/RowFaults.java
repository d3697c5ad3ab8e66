package anabranch.conformance.faulty;

import static anabranch.conformance.faulty.Faults.fault;

import anabranch.backend.LoadedModel;
import anabranch.backend.SequenceState;
import anabranch.backend.Span;
import anabranch.backend.StageBatch;
import anabranch.backend.StageResult;
import anabranch.conformance.faulty.Faults.Fault;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.WeakHashMap;

/** Rows that read what they may not, or miss what they should. */
final class RowFaults {
  private RowFaults() {}

  static List<Fault> all() {
    return List.of(
        fault(
            "frozen rows are no keys",
            new Broken() {
              @Override
              StageResult run(LoadedModel model, int stage, StageBatch batch) {
                return Regrouped.apart(model, stage, batch);
              }
            },
            "frozenRowsStayKeysAsTheyLeft",
            "everyUnitAnswersAsTheOracleWhereItIsForcedToLeave"),
        fault(
            "frozen rows are computed on",
            new Broken() {
              @Override
              StageResult run(LoadedModel model, int stage, StageBatch batch) {
                return Regrouped.thawed(model, stage, batch);
              }
            },
            "frozenRowsStayKeysAsTheyLeft",
            "frozenRowsAreInNoPool"),
        fault(
            "every call starts a new sequence",
            new Broken() {
              @Override
              StageResult run(LoadedModel model, int stage, StageBatch batch) {
                List<Span> fresh = new ArrayList<>();
                for (Span span : batch.spans()) {
                  fresh.add(
                      new Span(span.state() == null ? null : model.newState(null), span.rows()));
                }
                return super.run(model, stage, new StageBatch(batch.slot(), fresh, batch.trace()));
              }
            },
            "stepByStepIsOneCall",
            "ngramsReachOverTheBorderOfACall"),
        fault(
            "a failed call leaves its keys behind",
            new Appending(),
            "aRunThatThrowsLeavesEveryStateAsItWas"));
  }

  /** Appends keys and values span by span as it goes, so that a failed call leaves some behind. */
  private static final class Appending extends Broken {
    private final Map<SequenceState, Map<Integer, Integer>> surplus = new WeakHashMap<>();

    @Override
    StageResult run(LoadedModel model, int stage, StageBatch batch) {
      List<Span> appended = new ArrayList<>();
      for (Span span : batch.spans()) {
        int shift = surplus(span).getOrDefault(batch.slot(), 0);
        appended.add(
            new Span(
                span.state(), Regrouped.copy(span.rows(), Regrouped.flags(span.rows()), shift)));
      }
      try {
        return model.stages().get(stage).run(new StageBatch(batch.slot(), appended, batch.trace()));
      } catch (RuntimeException failed) {
        Span first = appended.get(0);
        model.stages().get(stage).run(new StageBatch(batch.slot(), List.of(first), false)).close();
        surplus(first).merge(batch.slot(), first.rows().size(), Integer::sum);
        throw failed;
      }
    }

    private Map<Integer, Integer> surplus(Span span) {
      return span.state() == null
          ? new HashMap<>()
          : surplus.computeIfAbsent(span.state(), state -> new HashMap<>());
    }
  }
}
