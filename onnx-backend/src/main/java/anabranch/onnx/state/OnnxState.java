package anabranch.onnx.state;

import anabranch.backend.SequenceState;
import anabranch.backend.StateImage;
import anabranch.error.Bounds;
import anabranch.onnx.memory.BufferPool;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.IntBuffer;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * What one sequence keeps. A call writes beside what is published and publishes when it succeeds,
 * so one that fails leaves nothing; what no later row can read is let go then. In one call at a
 * time.
 *
 * <p>Page 0 of an image is its head: the position of the last row in each slot and, from the second
 * format on, the format. In the first one each page of keys and values had a whole tile.
 */
public final class OnnxState implements SequenceState {
  /**
   * How many tiles that were let go are known by the numbers of their pages; an image from before
   * has everything.
   */
  private static final int MOST_DROPPED = 1024;

  private static final int FORMAT = 2;

  private final Layout layout;
  private final BufferPool pool;
  private final @Nullable Kept[] kept;
  private final int[] last;
  private final Set<Kept> touched = new HashSet<>();
  private final ArrayDeque<Dropped> dropped = new ArrayDeque<>();
  private final int[] imaged;
  private long version;
  private long lastStamp;
  private long forgotten;
  private int mostDropped = MOST_DROPPED;
  private boolean closed;

  /**
   * A page of an image that was let go.
   *
   * @param stamp when that was
   */
  private record Dropped(int page, long stamp) {}

  /** Creates the state of a new sequence. */
  public OnnxState(Layout layout, BufferPool pool) {
    this.layout = layout;
    this.pool = pool;
    kept = new @Nullable Kept[layout.entries().size() + 1];
    last = new int[layout.slots()];
    Arrays.fill(last, -1);
    imaged = new int[kept.length];
  }

  /** Returns the layout, which no two models share. */
  public Layout layout() {
    return layout;
  }

  /** Returns keys and values, to be written in the present call. */
  public KeyValues rows(Layout.Entry entry) {
    return (KeyValues) touch(entry.index());
  }

  /** Returns numbers, to be written in the present call. */
  public Numbers numbers(Layout.Entry entry) {
    return (Numbers) touch(entry.index());
  }

  /** Returns the token id at a position that an earlier event brought. */
  public int token(int position) {
    return tokens().at(position);
  }

  /** Returns how many token ids are known, from position 0 on. */
  public int knownTokens() {
    return tokens().known();
  }

  /** Remembers token ids from a position on, which is not above {@link #knownTokens}. */
  public void writeTokens(int position, int[] ids) {
    tokens().write(position, ids);
  }

  /** Returns the position of the last row that was published in a slot; -1 if there is none. */
  public int last(int slot) {
    requireOpen();
    return last[slot];
  }

  /** Makes what the call wrote the truth. */
  public void publish(int slot, int position) {
    publish();
    last[slot] = position;
    for (Layout.Reach reach : layout.reaches(slot)) {
      int index = reach.entry().index();
      if (kept[index] instanceof KeyValues rows) {
        mostDropped = Math.max(mostDropped, MOST_DROPPED * rows.tilePages());
        dropped(index, rows.forget(reach.first(), reach.until(last)));
      }
    }
    if (kept[kept.length - 1] instanceof Tokens tokens) {
      dropped(kept.length - 1, tokens.forget(layout.tokensBack()));
    }
  }

  /** Remembers those of some pages that an image has. */
  private void dropped(int index, IntStream pages) {
    pages
        .filter(page -> page < imaged[index])
        .forEach(page -> dropped.add(new Dropped(id(index, page), version + 1)));
    while (dropped.size() > mostDropped) {
      forgotten = dropped.remove().stamp();
    }
  }

  private int id(int index, int page) {
    return Math.addExact(1 + index, Math.multiplyExact(page, kept.length));
  }

  /** Makes what was written before the first call the truth. */
  public void publish() {
    touched.forEach(each -> each.publish(version + 1));
    touched.clear();
    lastStamp = version + 1;
  }

  /** Forgets what the call wrote. */
  public void discard() {
    touched.forEach(Kept::discard);
    touched.clear();
  }

  @Override
  public int length() {
    return Arrays.stream(last).max().orElse(-1) + 1;
  }

  @Override
  public long bytes() {
    long sum = 0;
    for (Kept each : kept) {
      sum += each == null ? 0 : each.bytes();
    }
    return sum;
  }

  @Override
  public SequenceState fork() {
    requireOpen();
    OnnxState fork = new OnnxState(layout, pool);
    for (int i = 0; i < kept.length; i++) {
      Kept each = kept[i];
      fork.kept[i] = each == null ? null : each.copy();
    }
    System.arraycopy(last, 0, fork.last, 0, last.length);
    fork.version = version;
    fork.lastStamp = lastStamp;
    fork.forgotten = forgotten;
    fork.dropped.addAll(dropped);
    System.arraycopy(imaged, 0, fork.imaged, 0, imaged.length);
    return fork;
  }

  @Override
  public StateImage image(long since) {
    requireOpen();
    if (since < 0 || since > version) {
      throw new IllegalArgumentException("version " + since + " is not in 0.." + version);
    }
    boolean complete = since == 0 || since < forgotten;
    long from = complete ? 0 : since;
    Map<Integer, ByteBuffer> pages = new TreeMap<>();
    if (complete || lastStamp > from) {
      ByteBuffer head = ByteBuffer.allocate(4 * last.length + 4).order(ByteOrder.LITTLE_ENDIAN);
      head.asIntBuffer().put(last).put(FORMAT);
      pages.put(0, head);
    }
    for (int i = 0; i < kept.length; i++) {
      Kept each = kept[i];
      for (int page : each == null ? new int[0] : each.pages().toArray()) {
        if (each.stamp(page) > from) {
          pages.put(id(i, page), each.page(page));
        }
        imaged[i] = page + 1;
      }
    }
    version++;
    Set<Integer> missing = new HashSet<>();
    for (Dropped each : dropped) {
      if (!complete && each.stamp() > from) {
        missing.add(each.page());
      }
    }
    return new StateImage(layout.signature(), version, complete, pages, missing);
  }

  /**
   * Returns a sequence as it was. Its next image is complete if its pages are others than those of
   * this one, which is of an earlier format then.
   *
   * @throws IllegalArgumentException if the image is not complete, of another signature, or of a
   *     later format
   */
  public static OnnxState restore(Layout layout, BufferPool pool, StateImage image) {
    if (!image.signature().equals(layout.signature())) {
      throw new IllegalArgumentException(
          Bounds.ruled(
              "an image of " + image.signature() + " does not fit " + layout.signature(), "S6"));
    }
    ByteBuffer head = image.pages().get(0);
    if (!image.complete() || head == null) {
      throw new IllegalArgumentException("an image of " + image.signature() + " is not complete");
    }
    OnnxState state = new OnnxState(layout, pool);
    state.version = image.version();
    state.lastStamp = image.version();
    boolean tiles = format(head, state.last) == 1;
    for (Map.Entry<Integer, ByteBuffer> page : new TreeMap<>(image.pages()).entrySet()) {
      if (page.getKey() > 0) {
        int index = (page.getKey() - 1) % state.kept.length;
        int number = (page.getKey() - 1) / state.kept.length;
        Kept each = state.made(index);
        if (tiles && each instanceof KeyValues rows && rows.tilePages() > 1) {
          number *= rows.tilePages();
          state.forgotten = image.version() + 1;
        }
        each.restore(number, page.getValue(), image.version());
        state.imaged[index] = number + 1;
      }
    }
    return state;
  }

  /** Reads the last positions of a head; returns its format. */
  private static int format(ByteBuffer head, int[] last) {
    IntBuffer ints = head.duplicate().order(ByteOrder.LITTLE_ENDIAN).asIntBuffer().get(last);
    int format = ints.hasRemaining() ? ints.get() : 1;
    if (format < 1 || format > FORMAT) {
      throw new IllegalArgumentException(
          "an image of format " + format + " is not of formats 1 to " + FORMAT);
    }
    return format;
  }

  @Override
  public void close() {
    closed = true;
    for (int i = 0; i < kept.length; i++) {
      Kept each = kept[i];
      if (each != null) {
        each.close();
        kept[i] = null;
      }
    }
    touched.clear();
  }

  private Tokens tokens() {
    return (Tokens) touch(kept.length - 1);
  }

  private Kept touch(int index) {
    requireOpen();
    Kept each = made(index);
    touched.add(each);
    return each;
  }

  private Kept made(int index) {
    Kept each = kept[index];
    if (each == null) {
      each = make(index);
      kept[index] = each;
    }
    return each;
  }

  private Kept make(int index) {
    if (index == kept.length - 1) {
      return new Tokens();
    }
    Layout.Entry entry = layout.entries().get(index);
    return switch (entry.kind()) {
      case ROWS, CALL, MEMORY ->
          new KeyValues(pool, entry.width(), entry.values(), layout.halves());
      case RECURRENCE, DECISION, CHOICE -> new Numbers();
    };
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("the sequence state is closed");
    }
  }
}
