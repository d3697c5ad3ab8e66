package anabranch.conformance.faulty;

import static anabranch.conformance.faulty.Faults.fault;

import anabranch.backend.LoadedModel;
import anabranch.backend.SequenceState;
import anabranch.backend.StageBatch;
import anabranch.backend.StageResult;
import anabranch.backend.StateImage;
import anabranch.conformance.faulty.Faults.Fault;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** Sequences that forget, mix up or share what they keep. */
final class StateFaults {
  private StateFaults() {}

  static List<Fault> all() {
    return List.of(
        fault(
            "a fork shares what its origin writes",
            new Stateful() {
              @Override
              SequenceState fork(Held held) {
                return new Held(this, held.inner);
              }
            },
            "aForkNeitherSeesNorChangesItsOrigin"),
        fault(
            "an image lacks the last rows' keys",
            new Stateful() {
              @Override
              StateImage image(Held held, long since) {
                StateImage image = held.inner.image(since);
                TreeMap<Integer, ByteBuffer> pages = new TreeMap<>(image.pages());
                if (pages.size() > 1) {
                  pages.pollLastEntry();
                }
                return with(image, pages);
              }
            },
            "aSequenceThatTravelsAsImagesGivesTheSameBits",
            "anEngineContinuesSequencesAsThePlainestCaller",
            "recordedLinesAnswerAlikeHoweverTheyCome"),
        fault(
            "an image is not made again when keys change",
            new Stateful() {
              @Override
              StateImage image(Held held, long since) {
                StateImage image = held.inner.image(since);
                return since == 0 ? image : with(image, Map.of());
              }
            },
            "aSequenceThatTravelsAsImagesGivesTheSameBits"),
        fault(
            "every image has everything",
            new Stateful() {
              @Override
              StateImage image(Held held, long since) {
                return held.inner.image(0);
              }
            },
            "anImageSinceAnotherHasOnlyWhatChanged"),
        fault(
            "images of any model are taken",
            new Stateful() {
              @Override
              SequenceState restore(LoadedModel model, StateImage image) {
                return model.newState(null);
              }
            },
            "anImageOfAnotherModelIsRefused"),
        fault(
            "a closed state goes on",
            new Stateful() {
              @Override
              void close(Held held) {}
            },
            "aClosedStateRefusesForksAndImages"),
        fault(
            "the cache is its own past: a call moves the keys of earlier rows",
            new Aliased(),
            "stepByStepIsOneCall",
            Rerouted.EVENTS),
        fault(
            "a later call sees the first call's keys and its own alone",
            new FirstCallOnly(),
            "stepByStepIsOneCall",
            Rerouted.EVENTS,
            "recordedLinesAnswerAlikeHoweverTheyCome"),
        fault(
            "all times of a loop share their keys",
            new Broken() {
              @Override
              StageResult run(LoadedModel model, int stage, StageBatch batch) {
                return super.run(model, stage, new StageBatch(stage, batch.spans(), batch.trace()));
              }
            },
            Rerouted.EVENTS));
  }

  private static StateImage with(StateImage image, Map<Integer, ByteBuffer> pages) {
    return new StateImage(
        image.signature(), image.version(), image.complete(), pages, image.dropped());
  }

  /** Moves the pages of earlier rows before each later call. */
  private static final class Aliased extends Stateful {
    @Override
    StageResult run(LoadedModel model, int stage, StageBatch batch, Set<Held> states) {
      for (Held held : states) {
        if (held.calls.merge(batch.slot(), 1, Integer::sum) == 2) {
          StateImage image = held.inner.image(0);
          Map<Integer, ByteBuffer> moved = new HashMap<>();
          image.pages().forEach((id, page) -> moved.put(id, rotated(page)));
          held.inner = model.restore(with(image, moved));
        }
      }
      return super.run(model, stage, batch, states);
    }

    private static ByteBuffer rotated(ByteBuffer page) {
      byte[] bytes = new byte[page.remaining()];
      page.duplicate().get(bytes);
      byte[] moved = bytes.clone();
      // The last numbers of a page are the values of its last row; the first say what it holds.
      if (bytes.length > 64) {
        System.arraycopy(bytes, bytes.length - 16, moved, bytes.length - 8, 8);
        System.arraycopy(bytes, bytes.length - 8, moved, bytes.length - 16, 8);
      }
      return ByteBuffer.wrap(moved).order(page.order());
    }
  }

  /** Answers later calls from what the first one left. */
  private static final class FirstCallOnly extends Stateful {
    @Override
    StageResult run(LoadedModel model, int stage, StageBatch batch, Set<Held> states) {
      Map<Held, SequenceState> now = new HashMap<>();
      for (Held held : states) {
        int calls = held.calls.merge(batch.slot(), 1, Integer::sum);
        if (calls == 2 && held.first == null) {
          held.first = held.inner.fork();
        }
        if (calls > 2 && held.first != null) {
          now.put(held, held.first.fork());
        }
      }
      StageResult whole = super.run(model, stage, batch, states);
      if (now.isEmpty()) {
        return whole;
      }
      whole.rows().close();
      whole.close();
      return model
          .stages()
          .get(stage)
          .run(unwrapped(batch, held -> now.containsKey(held) ? now.get(held) : held.inner.fork()));
    }
  }
}
