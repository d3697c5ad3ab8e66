package anabranch.conformance;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.StateImage;
import anabranch.conformance.space.Case;
import anabranch.conformance.space.Sequence;
import anabranch.conformance.trial.Answered;
import anabranch.conformance.trial.Subject;
import anabranch.conformance.trial.Trial;
import anabranch.engine.Engine;
import anabranch.engine.EngineOptions;
import anabranch.engine.Inference;
import anabranch.engine.Item;
import anabranch.engine.Policy;
import anabranch.engine.schedule.Mode;
import anabranch.error.DescriptionException;
import anabranch.model.facts.Cut;
import anabranch.model.facts.StageSpec;
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

  /**
   * Intent: an answer says everything that was decided between steps, and an item that is forced to
   * the same takes the same way without any score, also out of loops and through prunes.
   */
  @Test
  @Rule({"Q15"})
  default void anItemThatIsForcedTakesTheWayOfTheAnswerBefore() {
    Trial.forEach(
        this,
        trial -> {
          try (Engine engine = Engine.open(trial.model, trial.halfLeave())) {
            List<Item> items = new ArrayList<>();
            for (Sequence sequence : trial.subject.sequences()) {
              Item item = Item.of("item" + items.size(), sequence.events().get(0));
              items.add(sequence.memory() == null ? item : item.reading(sequence.memory()));
            }
            for (Item item : items) {
              Inference decided = engine.infer(item);
              Item forced = item.withPolicy(Policy.fullDepth()).withForced(decided.borders());
              Inference again = engine.infer(forced);
              assertEquals(decided.borders(), again.borders(), item.id());
              if (trial.batchInvariant()) {
                assertEquals(bits(decided), bits(again), item.id());
              }
            }
          }
        });
  }

  private static List<Integer> bits(Inference inference) {
    List<Integer> bits = new ArrayList<>();
    for (int unit = 0; unit < inference.units(); unit++) {
      for (int i = 0; i < inference.outputs(); i++) {
        bits.add(Float.floatToIntBits(inference.logits(unit).get(i)));
      }
    }
    return bits;
  }

  /**
   * Intent: an engine that is brought sequences event by event answers as the plainest caller does,
   * whoever else is there, and whether a sequence stays, is settled, or goes on from an image.
   */
  @Test
  @Rule({"S7", "S11", "Q10", "Q2"})
  default void anEngineContinuesSequencesAsThePlainestCaller() {
    Trial.forEach(this, trial -> continueAll(trial, false));
    for (Case inEvents : Case.inEvents()) {
      Trial.of(this, inEvents, trial -> continueAll(trial, true));
    }
  }

  /** Some of the models that were drawn have no sequences. */
  private static void continueAll(Trial trial, boolean must) {
    Policy policy = trial.halfLeave();
    List<Sequence> sequences = trial.subject.sequences();
    List<Answered> plain = trial.by(policy).run(sequences);
    trial.judge(policy, plain);
    int events = sequences.stream().mapToInt(each -> each.events().size()).sum();
    EngineOptions few =
        EngineOptions.defaults()
            .withBatchRows(1 + events % 4)
            .withMode(events % 2 == 0 ? Mode.ADAPTIVE : Mode.COMPACT)
            .withBytes(1 << 20, events % 3 == 0 ? 0 : 1 << 20);
    try (Engine engine = Engine.open(trial.model, policy, few)) {
      List<Continued> continued = new ArrayList<>();
      try {
        for (Sequence sequence : sequences) {
          continued.add(new Continued(engine, sequence, continued.size()));
        }
      } catch (DescriptionException none) {
        assertFalse(must, () -> String.valueOf(none.getMessage()));
        return;
      }
      for (int event = 0; event < events; event++) {
        for (Continued each : continued) {
          each.submit(event);
        }
      }
      for (int n = 0; n < continued.size(); n++) {
        continued.get(n).agrees(trial, plain.get(n));
      }
    }
  }

  /** A sequence on its way through an engine. */
  final class Continued {
    private final Engine engine;
    private final Sequence sequence;
    private final int number;
    private final List<CompletableFuture<Inference>> answers = new ArrayList<>();
    private anabranch.engine.Sequence open;

    Continued(Engine engine, Sequence sequence, int number) {
      this.engine = engine;
      this.sequence = sequence;
      this.number = number;
      open = engine.begin("item" + number, sequence.memory());
    }

    void submit(int event) {
      if (event >= sequence.events().size()) {
        return;
      }
      answers.add(open.submit(sequence.events().get(event).at(0)));
      if ((number + event) % 3 == 2) {
        open.settle();
      } else if ((number + event) % 3 == 0 && keepsState()) {
        StateImage image = open.image(0).join();
        open.close();
        open = engine.resume("item" + number, image);
      }
    }

    private boolean keepsState() {
      return Cut.of(engine.spec()).stages().stream().anyMatch(StageSpec::keepsState);
    }

    void agrees(Trial trial, Answered plain) {
      int unit = 0;
      for (CompletableFuture<Inference> each : answers) {
        Inference answer = each.join();
        for (int i = 0; trial.batchInvariant() && i < answer.units(); i++, unit++) {
          String what = "sequence " + number + " unit " + unit;
          if (plain.exits[unit] >= 0) {
            assertEquals(plain.exits[unit], answer.exit(i), what + ": where it left");
            float[] logits = new float[answer.outputs()];
            answer.logits(i).get(logits);
            assertArrayEquals(plain.logits[unit], logits, what + ": logits");
          }
        }
      }
      open.close();
    }
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
