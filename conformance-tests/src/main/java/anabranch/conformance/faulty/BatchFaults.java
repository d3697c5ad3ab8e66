package anabranch.conformance.faulty;

import static anabranch.conformance.faulty.Faults.fault;

import anabranch.backend.Activations;
import anabranch.backend.Event;
import anabranch.backend.LoadedModel;
import anabranch.backend.Rows;
import anabranch.backend.Span;
import anabranch.backend.StageBatch;
import anabranch.backend.StageResult;
import anabranch.backend.Trace;
import anabranch.conformance.faulty.Faults.Fault;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongUnaryOperator;

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
            "rows that are no numbers are zero",
            new Broken() {
              @Override
              StageResult run(LoadedModel model, int stage, StageBatch batch) {
                return super.run(model, stage, Regrouped.replaced(batch, BatchFaults::withoutNaN));
              }
            },
            "aRowThatIsNotANumberHarmsNoOtherItem"),
        fault(
            "the trace is told backwards",
            new Broken() {
              @Override
              StageResult run(LoadedModel model, int stage, StageBatch batch) {
                return Told.choices(
                    super.run(model, stage, batch),
                    told -> {
                      List<Trace.Choices> backwards = new ArrayList<>(told);
                      Collections.reverse(backwards);
                      return backwards;
                    });
              }
            },
            "aRunThatIsRepeatedGivesTheSameBits"),
        fault(
            "members are counted one too high",
            new Broken() {
              @Override
              StageResult run(LoadedModel model, int stage, StageBatch batch) {
                return Told.choices(
                    super.run(model, stage, batch),
                    told -> told.stream().map(BatchFaults::oneMore).toList());
              }
            },
            "aRunThatIsRepeatedGivesTheSameBits"),
        fault(
            "rows between stages hold nothing",
            bytes(held -> 0),
            "rowsAndStatesSayHowManyBytesTheyHold"),
        fault(
            "rows between stages hold a hundred times as much",
            bytes(held -> 100 * held),
            "rowsAndStatesSayHowManyBytesTheyHold"),
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

  private static Event withoutNaN(Event event) {
    if (event.hasTokens()) {
      return event;
    }
    float[] values = new float[event.rows() * event.width()];
    for (int row = 0; row < event.rows(); row++) {
      FloatBuffer features = event.features(event.firstPosition() + row);
      for (int i = 0; i < event.width(); i++) {
        float value = features.get(i);
        values[row * event.width() + i] = Float.isNaN(value) ? 0 : value;
      }
    }
    return Event.ofFeatures(event.width(), values);
  }

  private static Trace.Choices oneMore(Trace.Choices told) {
    int[] ran = new int[told.ran().remaining()];
    for (int member = 0; member < ran.length; member++) {
      ran[member] = told.ran().get(member) + 1;
    }
    return new Trace.Choices(
        told.path(), told.visit(), told.k(), told.experts(), told.gates(), IntBuffer.wrap(ran));
  }

  /** Rows that say other bytes; they are handed on as what they are. */
  private static Broken bytes(LongUnaryOperator change) {
    return new Broken() {
      @Override
      StageResult run(LoadedModel model, int stage, StageBatch batch) {
        return new Told(super.run(model, stage, Held.unwrapped(batch))) {
          private final Held rows = new Held(super.rows(), change);

          @Override
          public Activations rows() {
            return rows;
          }
        };
      }
    };
  }

  /** Rows passed on. */
  private record Held(Activations inner, LongUnaryOperator change) implements Activations {
    @Override
    public long bytes() {
      return change.applyAsLong(inner.bytes());
    }

    @Override
    public void close() {
      inner.close();
    }

    static StageBatch unwrapped(StageBatch batch) {
      List<Span> spans = new ArrayList<>();
      for (Span span : batch.spans()) {
        spans.add(
            new Span(
                span.state(),
                Regrouped.from(
                    span.rows(), from -> from instanceof Held held ? held.inner : from)));
      }
      return new StageBatch(batch.slot(), spans, batch.trace());
    }
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
