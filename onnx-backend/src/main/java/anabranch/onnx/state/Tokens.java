package anabranch.onnx.state;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/** The token ids of a sequence from position 0 on, for n-grams that read back. */
final class Tokens implements Kept {
  private static final int PAGE = 1024;

  private int[] ids = new int[0];
  private long[] stamps = new long[0];
  private int known;
  private int written;

  int known() {
    return known;
  }

  int at(int position) {
    if (position >= known) {
      throw new IllegalArgumentException(
          "the token id at position " + position + " is needed, but no earlier call brought it");
    }
    return ids[position];
  }

  void write(int position, int[] more) {
    int end = position + more.length;
    if (ids.length < end) {
      ids = Arrays.copyOf(ids, Math.max(end, 2 * ids.length));
    }
    int fresh = Math.max(0, written - position);
    if (fresh < more.length) {
      System.arraycopy(more, fresh, ids, position + fresh, more.length - fresh);
      written = end;
    }
  }

  @Override
  public void publish(long stamp) {
    if (written > known) {
      int pages = (written - 1) / PAGE + 1;
      if (stamps.length < pages) {
        stamps = Arrays.copyOf(stamps, Math.max(pages, 2 * stamps.length));
      }
      Arrays.fill(stamps, known / PAGE, pages, stamp);
      known = written;
    }
  }

  @Override
  public void discard() {
    written = known;
  }

  @Override
  public long bytes() {
    return 4L * ids.length;
  }

  @Override
  public Kept copy() {
    Tokens copy = new Tokens();
    copy.ids = Arrays.copyOf(ids, known);
    copy.stamps = stamps.clone();
    copy.known = known;
    copy.written = known;
    return copy;
  }

  @Override
  public int pages() {
    return known == 0 ? 0 : (known - 1) / PAGE + 1;
  }

  @Override
  public long stamp(int page) {
    return stamps[page];
  }

  @Override
  public ByteBuffer page(int page) {
    int from = page * PAGE;
    int count = Math.min(PAGE, known - from);
    ByteBuffer bytes = ByteBuffer.allocate(4 * count).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asIntBuffer().put(ids, from, count);
    return bytes;
  }

  @Override
  public void restore(ByteBuffer page, long stamp) {
    int[] more = new int[page.remaining() / 4];
    page.duplicate().order(ByteOrder.LITTLE_ENDIAN).asIntBuffer().get(more);
    write(known, more);
    publish(stamp);
  }

  @Override
  public void close() {}
}
