package anabranch.conformance.faulty;

import static anabranch.conformance.faulty.Faults.fault;

import anabranch.backend.Event;
import anabranch.backend.LoadedModel;
import anabranch.backend.Rows;
import anabranch.backend.Span;
import anabranch.backend.StageBatch;
import anabranch.backend.StageResult;
import anabranch.conformance.faulty.Faults.Fault;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** Answers that depend on their company. */
final class BatchFaults {
  private BatchFaults() {}

  static List<Fault> all() {
    AtomicInteger inside = new AtomicInteger();
    AtomicInteger calls = new AtomicInteger();
    return List.of(
        fault(
            "numbers are rounded by the largest of the batch",
            new Broken() {
              @Override
              StageResult run(LoadedModel model, int stage, StageBatch batch) {
                return Told.rounded(super.run(model, stage, batch));
              }
            },
            "oneByOneIsTheBatch"),
        fault(
            "a single row takes another way",
            new Broken() {
              @Override
              StageResult run(LoadedModel model, int stage, StageBatch batch) {
                int rows = batch.size();
                return Told.logits(
                    super.run(model, stage, batch),
                    logit -> rows == 1 ? Math.nextUp((float) logit) : logit);
              }
            },
            "promptsInPiecesAndSingleRowsGiveTheSameBits",
            "recordedLinesAnswerAlikeHoweverTheyCome"),
        fault(
            "the last bit depends on the batch",
            new Broken() {
              @Override
              StageResult run(LoadedModel model, int stage, StageBatch batch) {
                int spans = batch.spans().size();
                return Told.logits(
                    super.run(model, stage, batch),
                    logit -> spans > 1 ? Math.nextUp((float) logit) : logit);
              }
            },
            "oneByOneIsTheBatch"),
        fault(
            "the last bit depends on the time",
            new Broken() {
              @Override
              StageResult run(LoadedModel model, int stage, StageBatch batch) {
                boolean odd = calls.getAndIncrement() % 2 == 1;
                return Told.logits(
                    super.run(model, stage, batch),
                    logit -> odd ? Math.nextUp((float) logit) : logit);
              }
            },
            "aRunThatIsRepeatedGivesTheSameBits",
            "anItemThatIsForcedTakesTheWayOfTheAnswerBefore"),
        fault(
            "what is not a number spreads",
            new Broken() {
              @Override
              StageResult run(LoadedModel model, int stage, StageBatch batch) {
                boolean poisoned = batch.spans().stream().anyMatch(BatchFaults::poisoned);
                StageResult result = super.run(model, stage, batch);
                return Told.logits(result, logit -> poisoned ? Double.NaN : logit);
              }
            },
            "aRowThatIsNotANumberHarmsNoOtherItem"),
        fault(
            "threads share their scratch",
            new Broken() {
              @Override
              StageResult run(LoadedModel model, int stage, StageBatch batch) {
                boolean shared = inside.incrementAndGet() > 1;
                try {
                  Thread.sleep(1);
                  StageResult result = super.run(model, stage, batch);
                  return Told.logits(result, logit -> shared ? logit + 1 : logit);
                } catch (InterruptedException stop) {
                  throw new IllegalStateException(stop);
                } finally {
                  inside.decrementAndGet();
                }
              }
            },
            "concurrentRunsGiveTheSameBits"));
  }

  private static boolean poisoned(Span span) {
    Rows rows = span.rows();
    for (int i = 0; i < rows.size(); i++) {
      Event event = rows.event(i);
      if (!event.hasTokens() && Float.isNaN(event.features(rows.position(i)).get())) {
        return true;
      }
    }
    return false;
  }
}
