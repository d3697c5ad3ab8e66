package anabranch.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.Activations;
import anabranch.backend.Event;
import anabranch.backend.Rows;
import anabranch.backend.SequenceState;
import anabranch.backend.Span;
import anabranch.backend.StageBatch;
import anabranch.backend.StageResult;
import anabranch.backend.StateImage;
import anabranch.conformance.space.Case;
import anabranch.conformance.space.Sequence;
import anabranch.conformance.space.Shapes;
import anabranch.conformance.trial.Answered;
import anabranch.conformance.trial.Subject;
import anabranch.conformance.trial.Trial;
import anabranch.engine.Policy;
import anabranch.model.ModelSpec;
import anabranch.model.facts.StateLayout;
import anabranch.model.layer.Attention;
import anabranch.model.route.Capacity;
import anabranch.model.route.Routers;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What a sequence keeps: events in order, forks, images. */
public interface StateChapter extends Subject {
  /** Intent: a sequence that comes as several events; what is decided once stays decided. */
  @Test
  @Rule({"T2", "S2", "S4"})
  default void eventsOfOneSequenceAnswerAsTheOracle() {
    for (Case drawn : Case.inEvents()) {
      Trial.of(
          this,
          drawn,
          trial -> {
            List<List<Integer>> exits = trial.subject.anyExits(2);
            trial.judge(exits, trial.forced(exits).run(drawn.sequences()));
          });
    }
  }

  /** Intent: a state that travels as images, changes only, is the state that stayed. */
  @Test
  @Rule({"S1", "S6"})
  default void aSequenceThatTravelsAsImagesGivesTheSameBits() {
    for (Case drawn : Case.inEvents()) {
      Trial.of(
          this,
          drawn,
          trial -> {
            List<List<Integer>> exits = trial.subject.anyExits(2);
            List<Answered> stayed = trial.forced(exits).run(drawn.sequences());
            List<Answered> travelled =
                trial.forced(exits).travellingAsImages().run(drawn.sequences());
            trial.judge(exits, travelled);
            if (trial.repeatable()) {
              Trial.sameBits(stayed, travelled);
            }
          });
    }
  }

  /** Intent: an audit on a fork leaves no trace in the state that is served. */
  @Test
  @Rule({"S5"})
  default void aForkNeitherSeesNorChangesItsOrigin() {
    for (Case drawn : Case.inEvents()) {
      Trial.of(
          this,
          drawn,
          trial -> {
            List<List<Integer>> exits = trial.subject.anyExits(2);
            List<Answered> alone = trial.forced(exits).run(drawn.sequences());
            List<SequenceState> origins = new ArrayList<>();
            List<Answered> forked =
                trial
                    .forced(exits)
                    .replacing(
                        (model, state) -> {
                          SequenceState fork = state.fork();
                          assertEquals(state.length(), fork.length(), "length of a fork");
                          origins.add(state.fork());
                          return fork;
                        })
                    .run(drawn.sequences());
            origins.forEach(SequenceState::close);
            if (trial.repeatable()) {
              Trial.sameBits(alone, forked);
            }
            trial.judge(exits, forked);
          });
    }
  }

  /** Intent: a share of a part would be another number than that of the whole. */
  @Test
  @Rule("E6")
  default void aCapacityOfWholeItemsTakesThemAsOneEvent() {
    Capacity whole =
        new Capacity.Limited(
            new Capacity.Size.Share(1, 1, Capacity.Rounding.CEIL),
            Capacity.Population.ITEM,
            Capacity.Priority.POSITION);
    Case drawn = Case.of(Shapes.routed(Routers.switchTop1(whole), 4), 55, 6);
    Trial.of(
        this,
        drawn,
        trial -> {
          Policy full = Policy.fullDepth();
          trial.judge(full, trial.by(full).run(drawn.sequences()));
          List<Sequence> parts = List.of(drawn.sequences().get(0).cut(4));
          assertThrows(RuntimeException.class, () -> trial.by(full).run(parts), "a part");
        });
  }

  /** Intent: only what changed is written again; a page keeps its number. */
  @Test
  @Rule({"S1", "S8", "S10"})
  default void anImageSinceAnotherHasOnlyWhatChanged() {
    Case drawn = Case.of(Shapes.decoding(Attention.causal(2, 4)), 51, 120).with(cut(120, 40, 51));
    Trial.of(
        this,
        drawn,
        trial -> {
          List<StateImage> images = new ArrayList<>();
          List<Integer> lengths = new ArrayList<>();
          long[] bytes = {0};
          List<List<Integer>> exits = trial.subject.anyExits(2);
          trial
              .forced(exits)
              .replacing(
                  (model, state) -> {
                    long since = images.isEmpty() ? 0 : images.get(images.size() - 1).version();
                    images.add(state.image(since));
                    lengths.add(state.length());
                    bytes[0] = state.image(0).bytes();
                    assertTrue(state.bytes() > 0, "bytes of a state with rows");
                    return state;
                  })
              .run(drawn.sequences());
          assertEquals(List.of(40, 80, 120), lengths, "length after each event");
          assertTrue(images.get(0).complete(), "the first image is complete");
          long whole = bytes[0];
          long least = StateLayout.of(drawn.spec()).bytes(120, 0);
          assertTrue(whole >= least, whole + " bytes of an image hold less than " + least);
          assertTrue(
              images.get(2).bytes() < 0.7 * whole,
              "the last image has " + images.get(2).bytes() + " of " + whole + " bytes");
          Set<Integer> first = images.get(0).pages().keySet();
          assertTrue(
              images.get(2).pages().keySet().stream().anyMatch(id -> !first.contains(id)),
              "new rows are in new pages");
        });
  }

  /** Intent: whoever bounds memory by what is said bounds what is held. */
  @Test
  @Rule("S10")
  default void rowsAndStatesSayHowManyBytesTheyHold() {
    ModelSpec spec = Shapes.decoding(Attention.causal(2, 4));
    Trial.of(
        this,
        Case.of(spec, 54, 120),
        trial -> {
          Event event = trial.subject.sequences().get(0).eventAt(0);
          SequenceState state = trial.model.newState(null);
          int from = 0;
          for (int rows : new int[] {1, 20, 99}) {
            Span span = new Span(state, rows(event, from, rows));
            StageBatch batch = new StageBatch(0, List.of(span), false);
            from += rows;
            try (StageResult result = trial.model.stages().get(0).run(batch);
                Activations held = result.rows()) {
              long numbers = (long) rows * spec.width();
              between("rows", 2 * numbers, held.bytes(), 16 * numbers + 4096);
            }
            StateLayout layout = StateLayout.of(spec);
            long most = 8 * layout.bytes(from + 128, 0);
            between("a state", layout.bytes(from, 0) / 2, state.bytes(), most);
          }
          state.close();
          assertEquals(0, state.bytes(), "bytes of a closed state");
        });
  }

  private static Rows rows(Event event, int first, int count) {
    Event[] events = new Event[count];
    Arrays.fill(events, event);
    int[] positions = IntStream.range(first, first + count).toArray();
    byte[] flags = new byte[count];
    Arrays.fill(flags, Rows.SCORED);
    return new Rows(events, new @Nullable Activations[count], positions, positions.clone(), flags);
  }

  private static void between(String what, long least, long said, long most) {
    assertTrue(
        least <= said && said <= most,
        what + " say " + said + " bytes, which are from " + least + " to " + most);
  }

  /** Intent: who looks back a little can go on for ever, in memory and in images. */
  @Test
  @Rule({"S13", "A18"})
  default void whatNoLaterRowReadsIsLetGo() {
    for (Case drawn : Case.looking()) {
      Trial.of(
          this,
          drawn,
          trial -> {
            List<List<Integer>> exits = trial.subject.anyExits(2);
            List<StateImage> chain = new ArrayList<>();
            List<Long> bytes = new ArrayList<>();
            List<Long> held = new ArrayList<>();
            List<Answered> answers =
                trial
                    .forced(exits)
                    .replacing(
                        (model, state) -> {
                          StateImage before = chain.isEmpty() ? null : chain.get(chain.size() - 1);
                          StateImage now = state.image(before == null ? 0 : before.version());
                          StateImage merged = before == null ? now : before.with(now);
                          StateImage whole = state.image(0);
                          assertEquals(
                              whole.pages().keySet(),
                              merged.pages().keySet(),
                              "pages that are left of the images of " + state.length() + " rows");
                          chain.add(merged);
                          bytes.add(whole.bytes());
                          held.add(state.bytes());
                          return state;
                        })
                    .run(drawn.sequences());
            trial.judge(exits, answers);
            staysFlat("bytes of images", bytes);
            staysFlat("bytes of states", held);
            if (trial.repeatable()) {
              Trial.sameBits(
                  answers, trial.forced(exits).travellingAsImages().run(drawn.sequences()));
            }
            if (trial.batchInvariant()) {
              List<Sequence> whole = List.of(drawn.sequences().get(0).cut(640));
              Trial.sameBits(answers, trial.forced(exits).run(whole));
              Trial.sameBits(answers, trial.forced(exits).inSteps(7).run(whole));
            }
          });
    }
  }

  /** Fails unless the second half needs no more than the first one, or hardly more. */
  private static void staysFlat(String what, List<Long> bytes) {
    int half = bytes.size() / 2;
    long first = bytes.subList(0, half).stream().mapToLong(Long::longValue).max().orElseThrow();
    long second = bytes.subList(half, bytes.size()).stream().mapToLong(x -> x).max().orElseThrow();
    assertTrue(
        second <= 1.25 * first, what + " grow from " + first + " to " + second + ": " + bytes);
  }

  /** Intent: an image of another model is refused in words, never read. */
  @Test
  @Rule({"S6"})
  default void anImageOfAnotherModelIsRefused() {
    Case drawn = Case.of(Shapes.decoding(Attention.causal(2, 4)), 52, 6);
    Case other = Case.of(Shapes.decoding(Attention.causal(3, 4)), 52, 6);
    List<StateImage> images = new ArrayList<>();
    Trial.of(
        this,
        other,
        trial ->
            trial
                .forced(trial.subject.anyExits(1))
                .replacing(
                    (model, state) -> {
                      images.add(state.image(0));
                      return state;
                    })
                .run(other.sequences()));
    Trial.of(
        this,
        drawn,
        trial -> {
          IllegalArgumentException refused =
              assertThrows(
                  IllegalArgumentException.class, () -> trial.model.restore(images.get(0)));
          assertTrue(
              String.valueOf(refused.getMessage()).contains(images.get(0).signature()),
              refused.getMessage() + " does not name the signature");
          assertTrue(
              String.valueOf(refused.getMessage()).endsWith("(rule S6)"),
              refused.getMessage() + " does not name its rule");
          StateImage part =
              new StateImage(
                  images.get(0).signature(), 2, false, Map.of(1, ByteBuffer.allocate(8)), Set.of());
          assertThrows(IllegalArgumentException.class, () -> trial.model.restore(part));
        });
  }

  /** Intent: nothing is asked of a state that was closed. */
  @Test
  @Rule({"E8"})
  default void aClosedStateRefusesForksAndImages() {
    Trial.of(
        this,
        Case.of(Shapes.decoding(Attention.causal(2, 4)), 53, 2),
        trial -> {
          SequenceState state = trial.model.newState(null);
          assertEquals(0, state.length(), "length of a new sequence");
          state.close();
          assertThrows(IllegalStateException.class, state::fork);
          assertThrows(IllegalStateException.class, () -> state.image(0));
        });
  }

  private static List<Sequence> cut(int rows, int each, long seed) {
    Case whole = Case.of(Shapes.decoding(Attention.causal(2, 4)), seed, rows);
    return List.of(whole.sequences().get(0).cut(each));
  }
}
