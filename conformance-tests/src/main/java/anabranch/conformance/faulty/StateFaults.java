package anabranch.conformance.faulty;

import static anabranch.conformance.faulty.Faults.fault;

import anabranch.backend.LoadedModel;
import anabranch.backend.SequenceState;
import anabranch.backend.StageBatch;
import anabranch.backend.StageResult;
import anabranch.backend.StateImage;
import anabranch.conformance.faulty.Faults.Fault;
import anabranch.model.layer.Attention;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** Sequences that forget, mix up or share what they keep. */
final class StateFaults {
  private static final String LETTING_GO = "whatNoLaterRowReadsIsLetGo";

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
            "pages that are let go are not named",
            new Stateful() {
              @Override
              StateImage image(Held held, long since) {
                StateImage image = held.inner.image(since);
                return new StateImage(
                    image.signature(), image.version(), image.complete(), image.pages(), Set.of());
              }
            },
            LETTING_GO),
        fault("nothing is let go", new KeepingAll(), LETTING_GO),
        fault("rows are let go one too early", new TooEarly(), LETTING_GO),
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
            "a state says one byte whatever it keeps",
            new Stateful() {
              @Override
              long bytes(Held held) {
                return 1;
              }
            },
            "rowsAndStatesSayHowManyBytesTheyHold"),
        fault(
            "a closed state holds what it held",
            new Stateful() {
              private final Map<Held, Long> last = new IdentityHashMap<>();

              @Override
              long bytes(Held held) {
                return last.merge(held, super.bytes(held), Math::max);
              }
            },
            "rowsAndStatesSayHowManyBytesTheyHold"),
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

  /** Has in every image what any image of the state had. */
  private static final class KeepingAll extends Stateful {
    private final Map<Held, Map<Integer, ByteBuffer>> all = new IdentityHashMap<>();

    @Override
    StateImage image(Held held, long since) {
      StateImage image = held.inner.image(since);
      Map<Integer, ByteBuffer> pages = all.computeIfAbsent(held, any -> new TreeMap<>());
      pages.putAll(image.pages());
      return new StateImage(
          image.signature(),
          image.version(),
          image.complete(),
          image.complete() ? pages : image.pages(),
          Set.of());
    }
  }

  /** Lets a page of the reference backend go while the next row still reads its last row. */
  private static final class TooEarly extends Stateful {
    private static final int PAGE = 16;

    @Override
    StageResult run(LoadedModel model, int stage, StageBatch batch, Set<Held> states) {
      for (Held held : states) {
        int oldest = held.length() + 1 - window(model);
        StateImage image = held.inner.image(0);
        Map<Integer, ByteBuffer> kept = new TreeMap<>(image.pages());
        if (kept.values().removeIf(page -> lastShown(page) == oldest)) {
          held.inner = model.restore(with(image, kept));
        }
      }
      return super.run(model, stage, batch, states);
    }

    private static int window(LoadedModel model) {
      return model.spec().plan().blocks().stream()
          .flatMap(block -> block.operations().stream())
          .filter(o -> o instanceof Attention attention && attention.window() != null)
          .mapToInt(o -> ((Attention) o).window().rows())
          .findFirst()
          .orElse(Integer.MAX_VALUE / 2);
    }

    /** Returns the last position of a page of what rows show; -1 for another page. */
    private static int lastShown(ByteBuffer bytes) {
      ByteBuffer page = bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN);
      String kind = text(page);
      text(page);
      return kind.equals("SHOWN") ? page.getInt() * PAGE + PAGE - 1 : -1;
    }

    private static String text(ByteBuffer page) {
      byte[] text = new byte[page.getInt()];
      page.get(text);
      return new String(text, StandardCharsets.UTF_8);
    }
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
