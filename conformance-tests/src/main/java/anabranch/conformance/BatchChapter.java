package anabranch.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;

import anabranch.backend.Activations;
import anabranch.backend.Event;
import anabranch.backend.Numerics;
import anabranch.backend.Rows;
import anabranch.backend.Span;
import anabranch.engine.Policy;
import anabranch.model.Attention;
import anabranch.model.facts.StageSpec;
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
  default void oneByOneIsTheBatch() {
    Trial.forEach(
        this,
        trial -> {
          Policy policy = trial.subject.halfLeave(trial.oracle);
          List<Answered> batched = trial.by(policy).run(trial.subject.events());
          List<Answered> alone = trial.oneByOne(policy);
          trial.judge(policy, alone);
          if (trial.batchInvariant()) {
            Trial.sameBits(alone, batched);
          }
        });
  }

  /** Intent: the same call twice, in another order, and without a trace. */
  @Test
  default void aRunThatIsRepeatedGivesTheSameBits() {
    Trial.forEach(
        this,
        trial -> {
          Policy policy = trial.subject.halfLeave(trial.oracle);
          List<Event> events = trial.subject.events();
          List<Answered> once = trial.by(policy).run(events);
          if (trial.model.numerics().kind() != Numerics.Kind.TOLERANT) {
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
            List<Event> reversed = new ArrayList<>(events);
            Collections.reverse(reversed);
            List<Answered> back = new ArrayList<>(trial.by(policy).run(reversed));
            Collections.reverse(back);
            Trial.sameBits(once, back);
          }
        });
  }

  /** Intent: one sequence that is not a number reaches no other. */
  @Test
  default void aRowThatIsNotANumberHarmsNoOtherItem() {
    for (Attention attention : List.of(Attention.causal(2, 4), Attention.full(2, 4))) {
      Trial.of(
          this,
          Case.of(Shapes.freezing(attention), 31, 5, 3),
          trial -> {
            float[] values = new float[4 * trial.subject.events().get(0).width()];
            Arrays.fill(values, Float.NaN);
            Event poison = Event.ofFeatures(trial.subject.events().get(0).width(), values);
            List<List<Integer>> exits =
                List.of(List.of(0, 2, 1, 0, 2), List.of(2, 1, 2), List.of(2, 2, 0, 2));
            List<Event> events = new ArrayList<>(trial.subject.events());
            events.add(poison);
            List<Answered> answers;
            try {
              answers = trial.forced(exits).run(events).subList(0, 2);
            } catch (RuntimeException refused) {
              answers = trial.forced(exits).run(trial.subject.events());
            }
            trial.judge(exits, answers);
          });
    }
  }

  /** Intent: a call that throws changes no state, so that the caller may try again with fewer. */
  @Test
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
              List<Answered> clean = trial.forced(exits).inSteps(step).run(drawn.events());
              List<Answered> tried =
                  trial
                      .forced(exits)
                      .inSteps(step)
                      .afterFailingWith(stage -> impossible(stage, drawn.events().get(0)))
                      .run(drawn.events());
              trial.judge(exits, tried);
              if (trial.model.numerics().kind() != Numerics.Kind.TOLERANT) {
                Trial.sameBits(clean, tried);
              }
            }
          });
    }
  }

  /** Intent: one model serves all threads. */
  @Test
  default void concurrentRunsGiveTheSameBits() throws Exception {
    Case drawn = Case.of(Shapes.freezing(Attention.causal(3, 4)), 34, 7, 2, 5);
    Trial.of(
        this,
        drawn,
        trial -> {
          List<List<Integer>> exits = trial.subject.anyExits(6);
          List<Answered> alone = trial.forced(exits).run(drawn.events());
          ExecutorService threads = Executors.newFixedThreadPool(4);
          try {
            List<Future<List<Answered>>> futures = new ArrayList<>();
            for (int i = 0; i < 24; i++) {
              futures.add(threads.submit(() -> trial.forced(exits).run(drawn.events())));
            }
            for (Future<List<Answered>> future : futures) {
              trial.judge(exits, future.get());
              if (trial.model.numerics().kind() != Numerics.Kind.TOLERANT) {
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
    @Nullable Activations[] from = {stage.embeds() ? null : new Walk.Foreign()};
    Rows rows =
        new Rows(new Event[] {event}, from, new int[1], new int[1], new byte[] {Rows.SCORED});
    return new Span(stage.keepsState() ? new Walk.Foreign() : null, rows);
  }
}
