package anabranch.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.Activations;
import anabranch.backend.Event;
import anabranch.backend.Rows;
import anabranch.backend.Span;
import anabranch.conformance.space.Case;
import anabranch.conformance.space.Sequence;
import anabranch.conformance.space.Shapes;
import anabranch.conformance.trial.Answered;
import anabranch.conformance.trial.Foreign;
import anabranch.conformance.trial.Subject;
import anabranch.conformance.trial.Trial;
import anabranch.engine.Policy;
import anabranch.model.ModelSpec;
import anabranch.model.facts.StageSpec;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Mixture;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** An answer does not depend on its company: not on who is in the batch, fails in it, or when. */
public interface BatchChapter extends Subject {
  /** Intent: batches form by chance; answers must not. */
  @Test
  @Rule({"D6", "D8", "I3"})
  default void oneByOneIsTheBatch() {
    Trial.forEach(
        this,
        trial -> {
          Policy policy = trial.halfLeave();
          List<Answered> batched = trial.by(policy).run(trial.subject.sequences());
          List<Answered> alone = trial.oneByOne(policy);
          trial.judge(policy, alone);
          if (trial.batchInvariant()) {
            Trial.sameBits(alone, batched);
          }
        });
  }

  /** Intent: the same call twice, in another order, and without a trace. */
  @Test
  @Rule({"D8", "R11"})
  default void aRunThatIsRepeatedGivesTheSameBits() {
    Trial.forEach(
        this,
        trial -> {
          Policy policy = trial.halfLeave();
          List<Sequence> events = trial.subject.sequences();
          List<Answered> once = trial.by(policy).run(events);
          if (trial.repeatable()) {
            Trial.sameBits(once, trial.by(policy).run(events));
            List<Answered> untraced = trial.by(policy).untraced().run(events);
            for (int item = 0; item < once.size(); item++) {
              assertEquals(
                  Arrays.deepToString(once.get(item).logits),
                  Arrays.deepToString(untraced.get(item).logits),
                  "logits without a trace");
            }
          }
          if (trial.batchInvariant()) {
            List<Sequence> reversed = new ArrayList<>(events);
            Collections.reverse(reversed);
            List<Answered> back = new ArrayList<>(trial.by(policy).run(reversed));
            Collections.reverse(back);
            Trial.sameBits(once, back);
          }
        });
  }

  /** Intent: one sequence that is not a number reaches no other. */
  @Test
  @Rule({"E5", "D6"})
  default void aRowThatIsNotANumberHarmsNoOtherItem() {
    Attention causal = Attention.causal(2, 4);
    Attention full = Attention.full(2, 4);
    for (ModelSpec spec :
        List.of(
            Shapes.freezing(causal),
            Shapes.freezing(full),
            Shapes.merging(Shapes.freezingWithoutRouters(full), 2, 0, List.of(0)),
            Shapes.merging(Shapes.freezingWithoutRouters(full), 2, 1, List.of(0)),
            Shapes.freezingWithoutRouters(causal),
            Shapes.freezingWithoutRouters(full))) {
      Trial.of(
          this,
          Case.of(spec, 31, 5, 3),
          trial -> {
            boolean routed =
                spec.plan().blocks().stream()
                    .flatMap(block -> block.operations().stream())
                    .anyMatch(Mixture.class::isInstance);
            int width = trial.subject.sequences().get(0).eventAt(0).width();
            float[] values = new float[4 * width];
            Arrays.fill(values, Float.NaN);
            Sequence poison = Sequence.of(Event.ofFeatures(width, values));
            List<List<Integer>> exits =
                List.of(List.of(0, 2, 1, 0, 2), List.of(2, 1, 2), List.of(2, 2, 0, 2));
            List<Sequence> events = new ArrayList<>(trial.subject.sequences());
            events.add(poison);
            List<Answered> answers;
            try {
              answers = trial.forced(exits).run(events).subList(0, 2);
              assertFalse(routed, "routers decided by logits that are no numbers");
            } catch (RuntimeException refused) {
              String text = String.valueOf(refused.getMessage());
              boolean named =
                  text.matches("(?s).*row \\d.*") && text.matches("(?s).*(expert|member) \\d.*");
              assertTrue(named || !routed, "names row and member: " + text);
              answers = trial.forced(exits).run(trial.subject.sequences());
            }
            trial.judge(exits, answers);
          });
    }
  }

  /** Intent: a call that throws changes no state, so that the caller may try again with fewer. */
  @Test
  @Rule({"S3"})
  default void aRunThatThrowsLeavesEveryStateAsItWas() {
    List<Case> cases =
        List.of(
            Case.of(Shapes.freezing(Attention.causal(2, 4)), 32, 5, 3),
            Case.of(Shapes.freezingWithNgrams(Attention.causal(2, 4).withRotary(50)), 33, 4, 6));
    for (Case drawn : cases) {
      Trial.of(
          this,
          drawn,
          trial -> {
            List<List<Integer>> exits = trial.subject.anyExits(5);
            for (int step : new int[] {16, 2}) {
              List<Answered> clean = trial.forced(exits).inSteps(step).run(drawn.sequences());
              List<Answered> tried =
                  trial
                      .forced(exits)
                      .inSteps(step)
                      .afterFailingWith(
                          stage -> impossible(stage, drawn.sequences().get(0).eventAt(0)))
                      .run(drawn.sequences());
              trial.judge(exits, tried);
              if (trial.repeatable()) {
                Trial.sameBits(clean, tried);
              }
            }
          });
    }
  }

  /** Intent: one model serves all threads. */
  @Test
  @Rule({"D8"})
  default void concurrentRunsGiveTheSameBits() throws Exception {
    Case drawn = Case.of(Shapes.freezing(Attention.causal(3, 4)), 34, 7, 2, 5);
    Trial.of(
        this,
        drawn,
        trial -> {
          List<List<Integer>> exits = trial.subject.anyExits(6);
          List<Answered> alone = trial.forced(exits).run(drawn.sequences());
          ExecutorService threads = Executors.newFixedThreadPool(4);
          try {
            List<Future<List<Answered>>> futures = new ArrayList<>();
            for (int i = 0; i < 24; i++) {
              futures.add(threads.submit(() -> trial.forced(exits).run(drawn.sequences())));
            }
            for (Future<List<Answered>> future : futures) {
              trial.judge(exits, future.get());
              if (trial.repeatable()) {
                Trial.sameBits(alone, future.get());
              }
            }
          } finally {
            threads.shutdownNow();
          }
        });
  }

  /** Returns a span that belongs to no backend: its state, or its row, is of an unknown type. */
  private static Span impossible(StageSpec stage, Event event) {
    @Nullable Activations[] from = {stage.embeds() ? null : new Foreign()};
    Rows rows =
        new Rows(new Event[] {event}, from, new int[1], new int[1], new byte[] {Rows.SCORED});
    return new Span(stage.keepsState() ? new Foreign() : null, rows);
  }
}
