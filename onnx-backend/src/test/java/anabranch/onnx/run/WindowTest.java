package anabranch.onnx.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.Activations;
import anabranch.backend.Event;
import anabranch.backend.LoadOptions;
import anabranch.backend.LoadedModel;
import anabranch.backend.Rows;
import anabranch.backend.SequenceState;
import anabranch.backend.Span;
import anabranch.backend.Stage;
import anabranch.backend.StageBatch;
import anabranch.backend.StageResult;
import anabranch.backend.StateImage;
import anabranch.model.Embedding;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Block;
import anabranch.model.layer.Bypass;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Criterion;
import anabranch.model.plan.Exit;
import anabranch.model.plan.Head;
import anabranch.model.plan.Plan;
import anabranch.onnx.OnnxBackend;
import anabranch.weights.Weights;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What sequences keep that look back a little. */
class WindowTest {
  /** A tile is 64 rows: with the first 3 rows and a window of 70, so many are left. */
  private static final Attention.Window WINDOW = new Attention.Window(70, 3);

  @Test
  void tilesThatNoLaterRowReadsAreDroppedAndNamed() {
    try (LoadedModel model = load(Embedding.plain());
        SequenceState state = model.newState(null)) {
      Feeding.of(model, state, tokens(0, 256));
      StateImage image = state.image(0);
      // The next row, 256, reads rows 187 to 256, and 0 to 2: not rows 64 to 127.
      assertEquals(List.of(0, 2, 3), tiles(image.pages().keySet()));
      long before = state.bytes();
      Feeding.of(model, state, tokens(256, 64));
      StateImage changed = state.image(image.version());
      assertFalse(changed.complete());
      assertEquals(List.of(2), tiles(changed.dropped()));
      assertEquals(List.of(0, 3, 4), tiles(image.with(changed).pages().keySet()));
      assertEquals(state.image(0).pages(), image.with(changed).pages());
      assertTrue(state.bytes() <= before, state.bytes() + " after " + before);
    }
  }

  @Test
  void whatWasDroppedBeforeAnImageIsNotNamedInIt() {
    try (LoadedModel model = load(Embedding.plain());
        SequenceState state = model.newState(null)) {
      Feeding.of(model, state, tokens(0, 256));
      long since = state.image(0).version();
      for (int position = 256; position < 1024; position += 64) {
        Feeding.of(model, state, tokens(position, 64));
      }
      StateImage changed = state.image(since);
      assertEquals(List.of(2, 3), tiles(changed.dropped()), "what no image had is not named");
      assertEquals(Set.of(), state.image(changed.version()).dropped());
    }
  }

  @Test
  void anImageSinceOneThatIsTooOldIsComplete() {
    try (LoadedModel model = load(Embedding.plain());
        SequenceState state = model.newState(null)) {
      Feeding.of(model, state, tokens(0, 256));
      StateImage first = state.image(0);
      StateImage last = first;
      // One page of each of the two attentions goes every 64 rows.
      for (int position = 256; position < 256 + 64 * 600; position += 64) {
        Feeding.of(model, state, tokens(position, 64));
        last = state.image(last.version());
        assertFalse(last.complete());
      }
      StateImage since = state.image(first.version());
      assertTrue(since.complete());
      assertEquals(state.image(0).pages(), since.pages());
      assertEquals(state.image(0).pages(), first.with(since).pages());
    }
  }

  @Test
  void aForkThatLagsBehindItsOriginKeepsWhatItReads() {
    try (LoadedModel model = load(Embedding.plain());
        SequenceState state = model.newState(null)) {
      Feeding.of(model, state, tokens(0, 200));
      SequenceState fork = state.fork();
      float[] expected = Feeding.of(model, state, tokens(200, 120)).logits;
      Feeding.of(model, state, tokens(320, 300));
      assertArrayEquals(expected, Feeding.of(model, fork, tokens(200, 120)).logits);
      fork.close();
    }
  }

  @Test
  void aLongCallAndManyShortOnesHaveTheSameBits() {
    try (LoadedModel model = load(Embedding.plain());
        SequenceState one = model.newState(null);
        SequenceState many = model.newState(null)) {
      float[] whole = Feeding.of(model, one, tokens(0, 400)).logits;
      for (int position = 0; position < 400; position++) {
        float[] row = Feeding.of(model, many, tokens(position, 1)).logits;
        int from = position * row.length;
        assertArrayEquals(Arrays.copyOfRange(whole, from, from + row.length), row);
      }
      assertEquals(one.image(0).pages(), many.image(0).pages());
    }
  }

  @Test
  void tokenIdsThatNoNgramReadsAreDropped() {
    Embedding ngrams = Embedding.plain().withNgrams(new Embedding.Ngrams(List.of(2, 3), 16, 5, 3));
    try (LoadedModel model = load(ngrams);
        LoadedModel other = load(ngrams);
        SequenceState state = model.newState(null)) {
      for (int position = 0; position < 2 * 1024; position += 128) {
        Feeding.of(model, state, tokens(position, 128));
      }
      StateImage image = state.image(0);
      assertEquals(List.of(1), tokenPages(image.pages().keySet()));
      // The event at 2048 reads back to 2046; the next one has no need of that.
      Feeding.of(model, state, tokens(2048, 128));
      Feeding.of(model, state, tokens(2176, 128));
      StateImage changed = state.image(image.version());
      assertEquals(List.of(1), tokenPages(changed.dropped()));
      try (SequenceState restored = other.restore(image.with(changed))) {
        float[] expected = Feeding.of(model, state, tokens(2304, 9)).logits;
        assertArrayEquals(expected, Feeding.of(other, restored, tokens(2304, 9)).logits);
      }
    }
  }

  /** Rows that left share their keys at the next step, long after others passed the first one. */
  @Test
  void rowsThatAreOwedAreReadWhereTheyWereShown() {
    Norm norm = new Norm.Rms(1e-5);
    Head head = new Head(Head.Pool.EACH, norm, 5, false);
    Exit exit = new Exit("exit", head, Criterion.confidence(), Bypass.FREEZE_SHARE_KV);
    Plan plan = Plan.builder().add(block(norm)).add(exit).add(block(norm)).build();
    try (LoadedModel model = load(spec(Embedding.plain(), plan, head));
        SequenceState late = model.newState(null);
        SequenceState soon = model.newState(null)) {
      float[] expected = leaving(model, soon, 10);
      assertArrayEquals(expected, leaving(model, late, 300));
      assertEquals(soon.image(0).pages(), late.image(0).pages());
    }
  }

  /** Lets 300 rows leave at the first step, so many behind the next step, and runs a last one. */
  private static float[] leaving(LoadedModel model, SequenceState state, int behind) {
    Stage first = model.stages().get(0);
    Stage second = model.stages().get(1);
    for (int position = 0; position < 300; position += behind) {
      List<Rows> owed = new ArrayList<>();
      for (int from = position; from < position + behind; from += 10) {
        Rows rows = rows(tokens(from, 10), null, (byte) 0);
        StageResult result = first.run(new StageBatch(0, List.of(new Span(state, rows)), false));
        owed.add(rows(tokens(from, 10), result.rows(), Rows.FROZEN));
        result.close();
      }
      for (Rows rows : owed) {
        StageResult result = second.run(new StageBatch(1, List.of(new Span(state, rows)), false));
        result.rows().close();
        result.close();
      }
    }
    return Feeding.of(model, state, tokens(300, 1)).logits;
  }

  private static Rows rows(Event event, @Nullable Activations from, byte flags) {
    int size = event.rows();
    Event[] events = new Event[size];
    Arrays.fill(events, event);
    @Nullable Activations[] where = new Activations[size];
    Arrays.fill(where, from);
    byte[] all = new byte[size];
    Arrays.fill(all, flags);
    int[] index = IntStream.range(0, size).toArray();
    int[] positions = IntStream.range(0, size).map(i -> event.firstPosition() + i).toArray();
    return new Rows(events, where, index, positions, all);
  }

  /** Returns the numbers of the tiles of both attentions among some pages. */
  private static List<Integer> tiles(Set<Integer> pages) {
    List<Integer> tiles = of(1, pages);
    assertEquals(tiles, of(2, pages));
    return tiles;
  }

  private static List<Integer> tokenPages(Set<Integer> pages) {
    return of(3, pages);
  }

  /** Page 0 is the head; then come the first pages of each of three, then their second ones. */
  private static List<Integer> of(int which, Set<Integer> pages) {
    return pages.stream()
        .filter(page -> page > 0 && (page - which) % 3 == 0)
        .map(page -> (page - which) / 3)
        .sorted()
        .toList();
  }

  private static Event tokens(int position, int rows) {
    int[] ids = new int[rows];
    Arrays.setAll(ids, i -> (7 * (position + i) + (position + i) / 5) % 31);
    return Event.ofTokens(ids).at(position);
  }

  private static LoadedModel load(Embedding embedding) {
    Norm norm = new Norm.Rms(1e-5);
    Plan plan = Plan.of(block(norm), block(norm));
    return load(spec(embedding, plan, new Head(Head.Pool.EACH, norm, 5, false)));
  }

  private static LoadedModel load(ModelSpec spec) {
    return new OnnxBackend().load(spec, Weights.random(spec, 5), LoadOptions.defaults());
  }

  private static Block block(Norm norm) {
    Attention attention = Attention.causal(2, 8).withRotary(100).withWindow(WINDOW);
    return Block.of(
        Sublayer.preNorm(norm, attention),
        Sublayer.preNorm(norm, FeedForward.plain(16, Activation.RELU)));
  }

  private static ModelSpec spec(Embedding embedding, Plan plan, Head head) {
    return new ModelSpec("windows", 16, new Input.Tokens(31, 1 << 16), embedding, plan, head);
  }
}
