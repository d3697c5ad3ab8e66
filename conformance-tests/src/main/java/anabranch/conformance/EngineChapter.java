package anabranch.conformance;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.conformance.space.Sequence;
import anabranch.conformance.trial.Answered;
import anabranch.conformance.trial.Subject;
import anabranch.conformance.trial.Trial;
import anabranch.engine.Engine;
import anabranch.engine.EngineOptions;
import anabranch.engine.Inference;
import anabranch.engine.Item;
import anabranch.engine.Policy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** The backend and the engine agree about the contract between them. */
public interface EngineChapter extends Subject {
  /**
   * Intent: an engine takes the decisions that the plainest caller takes, and answers alike,
   * whether all items share a batch or hardly any two do.
   */
  @Test
  @Rule({"T9", "X7", "X8", "X9", "I8", "Q2"})
  default void anEngineAnswersAsThePlainestCaller() {
    Trial.forEach(
        this,
        trial -> {
          Policy policy = trial.halfLeave();
          List<Answered> plain = trial.by(policy).run(trial.subject.sequences());
          trial.judge(policy, plain);
          int rows = trial.subject.sequences().stream().mapToInt(Sequence::rows).sum();
          EngineOptions together =
              EngineOptions.defaults()
                  .withTrace(true)
                  .withLinger(Duration.ofMillis(100))
                  .withBatchRows(rows % 2 == 0 ? 2 * rows + 1000 : 3);
          try (Engine engine = Engine.open(trial.model, policy, together)) {
            List<Item> items = new ArrayList<>();
            for (Sequence sequence : trial.subject.sequences()) {
              Item item = Item.of("item" + items.size(), sequence.events().get(0));
              items.add(sequence.memory() == null ? item : item.reading(sequence.memory()));
            }
            List<CompletableFuture<Inference>> futures = engine.submitAll(items);
            for (int n = 0; n < items.size(); n++) {
              agrees(trial, "item " + n, plain.get(n), futures.get(n).join());
            }
          }
        });
  }

  private static void agrees(Trial trial, String what, Answered plain, Inference inference) {
    if (!trial.batchInvariant()) {
      return;
    }
    List<Integer> exits = new ArrayList<>();
    for (int unit = 0; unit < inference.units(); unit++) {
      exits.add(inference.exit(unit));
    }
    assertEquals(plain.exits(), exits, what + ": where units left");
    assertEquals(plain.memoryExit, inference.memoryExit(), what + ": where the encoder was left");
    for (int unit = 0; unit < inference.units(); unit++) {
      float[] logits = new float[inference.outputs()];
      inference.logits(unit).get(logits);
      assertArrayEquals(plain.logits[unit], logits, what + ": logits of unit " + unit);
    }
    if (!plain.kept.isEmpty()) {
      List<Integer> last = new ArrayList<>();
      plain.kept.values().forEach(kept -> last.addAll(0, kept));
      List<Integer> stay = new ArrayList<>();
      for (int position : inference.positions()) {
        stay.add(position);
      }
      assertTrue(last.containsAll(stay), what + ": rows " + stay + " that stayed");
    }
  }
}
