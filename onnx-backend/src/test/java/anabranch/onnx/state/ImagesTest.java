package anabranch.onnx.state;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.StateImage;
import anabranch.model.Embedding;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Block;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Head;
import anabranch.model.plan.Plan;
import anabranch.onnx.memory.BufferPool;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/**
 * The bytes of images, format by format: of one attention whose rows have 1 KB, and whose window
 * let rows 64 to 127 go.
 */
class ImagesTest {
  private static final int WIDTH = 128;
  private static final int ROWS = 200;

  private static final Layout LAYOUT = Layout.of(spec(), "fp32", false);
  private final BufferPool pool = new BufferPool(1 << 20);

  /** What is kept is one thing, and token ids: pages of the former have odd numbers. */
  private static final int EVERY = 2;

  /** The first format had pages of 64 rows, and a head that names no format. */
  private static StateImage first() {
    Map<Integer, ByteBuffer> pages = new TreeMap<>();
    pages.put(0, ints(ROWS - 1));
    pages.put(1, page(0, 64));
    pages.put(1 + 2 * EVERY, page(128, 192));
    pages.put(1 + 3 * EVERY, page(192, ROWS));
    return image(pages);
  }

  private static StateImage second() {
    Map<Integer, ByteBuffer> pages = new TreeMap<>();
    pages.put(0, ints(ROWS - 1, 2));
    pages.put(1, page(0, 32));
    pages.put(1 + EVERY, page(32, 64));
    pages.put(1 + 4 * EVERY, page(128, 160));
    pages.put(1 + 5 * EVERY, page(160, 192));
    pages.put(1 + 6 * EVERY, page(192, ROWS));
    return image(pages);
  }

  private static StateImage image(Map<Integer, ByteBuffer> pages) {
    return new StateImage(LAYOUT.signature(), 7, true, pages, Set.of());
  }

  @Test
  void imagesOfEachFormatAreReadForEver() {
    for (StateImage stored : new StateImage[] {first(), second()}) {
      try (OnnxState state = OnnxState.restore(LAYOUT, pool, stored)) {
        assertEquals(ROWS, state.length());
        assertEquals(second().pages(), state.image(0).pages());
        assertEquals(stored.version() + 1, state.image(0).version() - 1);
      }
    }
  }

  /** Who has pages of the first format gets all of the second, once. */
  @Test
  void theImageBehindOneOfTheFirstFormatIsComplete() {
    try (OnnxState state = OnnxState.restore(LAYOUT, pool, first())) {
      StateImage next = state.image(7);
      assertTrue(next.complete());
      assertEquals(second().pages(), first().with(next).pages());
      assertEquals(0, state.image(next.version()).pages().size());
    }
    try (OnnxState state = OnnxState.restore(LAYOUT, pool, second())) {
      StateImage next = state.image(7);
      assertFalse(next.complete());
      assertEquals(Map.of(), next.pages());
    }
  }

  /** S1, in rows: the fewer share a page, the fewer are written again. */
  @Test
  void aRowThatCameChangesItsPageOnly() {
    try (OnnxState state = OnnxState.restore(LAYOUT, pool, first())) {
      StateImage before = state.image(0);
      append(state, ROWS);
      StateImage after = state.image(before.version());
      assertEquals(Map.of(0, ints(ROWS, 2), 13, page(192, ROWS + 1)), after.pages());
      assertEquals(state.image(0).pages(), before.with(after).pages());
      for (int row = ROWS + 1; row < 225; row++) {
        append(state, row);
      }
      StateImage last = state.image(after.version());
      assertEquals(Set.of(0, 13, 15), last.pages().keySet());
      assertEquals(page(224, 225), last.pages().get(15));
      append(state, 225);
      assertEquals(Set.of(0, 15), state.image(last.version()).pages().keySet());
    }
  }

  /** S13: a tile goes with all its pages, which are named. */
  @Test
  void allPagesOfATileAreDroppedTogether() {
    for (StateImage stored : new StateImage[] {first(), second()}) {
      try (OnnxState state = OnnxState.restore(LAYOUT, pool, stored)) {
        StateImage before = state.image(0);
        for (int row = ROWS; row < 270; row++) {
          append(state, row);
        }
        StateImage after = state.image(before.version());
        assertEquals(Set.of(1 + 4 * EVERY, 1 + 5 * EVERY), after.dropped());
        assertEquals(state.image(0).pages(), before.with(after).pages());
        try (OnnxState again = OnnxState.restore(LAYOUT, pool, before.with(after))) {
          assertEquals(state.image(0).pages(), again.image(0).pages());
        }
      }
    }
  }

  /** S13: as many tiles are known to be gone, however many pages each has. */
  @Test
  void anImageNamesThePagesOfHundredsOfTilesThatWentSince() {
    try (OnnxState state = OnnxState.restore(LAYOUT, pool, second())) {
      StateImage before = state.image(0);
      long version = before.version();
      for (int row = ROWS; row < 600 * 64; row++) {
        append(state, row);
        if (row % 64 == 0) {
          version = state.image(version).version();
        }
      }
      StateImage after = state.image(before.version());
      assertFalse(after.complete());
      assertTrue(after.dropped().size() > 1024, "dropped: " + after.dropped().size());
    }
  }

  @Test
  void pagesThatDoNotFollowEachOtherAreRefused() {
    refuse("page 4 of keys and values does not follow row 32", 1);
    refuse("page 5 of keys and values does not follow row 32", 1, 4);
    refuse("page 5 of keys and values does not follow row 64", 4);
  }

  private void refuse(String reason, int... missing) {
    Map<Integer, ByteBuffer> pages = new TreeMap<>(second().pages());
    for (int page : missing) {
      pages.remove(1 + page * EVERY);
    }
    IllegalArgumentException refused =
        assertThrows(
            IllegalArgumentException.class,
            () -> OnnxState.restore(LAYOUT, pool, image(pages)).close());
    assertEquals(reason, refused.getMessage());
  }

  @Test
  void anImageOfALaterFormatIsRefused() {
    Map<Integer, ByteBuffer> pages = new TreeMap<>(second().pages());
    pages.put(0, ints(ROWS - 1, 3));
    IllegalArgumentException refused =
        assertThrows(
            IllegalArgumentException.class,
            () -> OnnxState.restore(LAYOUT, pool, image(pages)).close());
    assertEquals("an image of format 3 is not of formats 1 to 2", refused.getMessage());
  }

  private static void append(OnnxState state, int row) {
    KeyValues rows = state.rows(LAYOUT.entries().get(0));
    rows.reserve(1);
    rows.add(row, vector(row, 0), vector(row, 1), 0);
    rows.end();
    state.publish(0, row);
  }

  /** Returns a page: positions, then keys, then values. */
  private static ByteBuffer page(int from, int to) {
    ByteBuffer page = ByteBuffer.allocate((to - from) * (4 + 8 * WIDTH));
    page.order(ByteOrder.LITTLE_ENDIAN);
    IntStream.range(from, to).forEach(page::putInt);
    for (int which = 0; which < 2; which++) {
      for (int row = from; row < to; row++) {
        FloatBuffer vector = vector(row, which);
        while (vector.hasRemaining()) {
          page.putFloat(vector.get());
        }
      }
    }
    return page.flip();
  }

  private static FloatBuffer vector(int row, int which) {
    float[] numbers = new float[WIDTH];
    for (int i = 0; i < WIDTH; i++) {
      numbers[i] = (2 * row + which) * WIDTH + i;
    }
    return FloatBuffer.wrap(numbers);
  }

  private static ByteBuffer ints(int... values) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asIntBuffer().put(values);
    return bytes;
  }

  private static ModelSpec spec() {
    Norm norm = new Norm.Rms(1e-5);
    Attention attention = Attention.causal(2, WIDTH / 2).withWindow(new Attention.Window(70, 3));
    return new ModelSpec(
        "images",
        WIDTH,
        new Input.Tokens(31, 1 << 16),
        Embedding.plain(),
        Plan.of(
            Block.of(
                Sublayer.preNorm(norm, attention),
                Sublayer.preNorm(norm, FeedForward.plain(16, Activation.RELU)))),
        new Head(Head.Pool.EACH, norm, 5, false));
  }
}
