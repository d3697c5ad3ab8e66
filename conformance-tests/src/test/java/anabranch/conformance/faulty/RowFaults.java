package anabranch.conformance.faulty;

import static anabranch.conformance.faulty.Faults.fault;

import anabranch.backend.LoadedModel;
import anabranch.backend.Span;
import anabranch.backend.StageBatch;
import anabranch.backend.StageResult;
import anabranch.conformance.faulty.Faults.Fault;
import java.util.ArrayList;
import java.util.List;

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
}
