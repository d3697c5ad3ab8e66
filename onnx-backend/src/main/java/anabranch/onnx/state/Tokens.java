package anabranch.onnx.state;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * The token ids of a sequence, for n-grams that read back: those of its last event, and of earlier
 * ones as many pages as are read.
 */
final class Tokens implements Kept {
  private static final int PAGE = 1024;

  private int[] ids = new int[0];
  private long[] stamps = new long[0];
  private int first;
  private int known;
  private int written;
  private int begun;

  int known() {
    return known;
  }

  int at(int position) {
    if (position >= known) {
      throw new IllegalArgumentException(
          "the token id at position " + position + " is needed, but no earlier call brought it");
    }
    return ids[position - first];
  }

  void write(int position, int[] more) {
    int end = position + more.length;
    if (ids.length < end - first) {
      ids = Arrays.copyOf(ids, Math.max(end - first, 2 * ids.length));
    }
    begun = position;
    int fresh = Math.max(0, written - position);
    if (fresh < more.length) {
      System.arraycopy(more, fresh, ids, position + fresh - first, more.length - fresh);
      written = end;
    }
  }

  @Override
  public void publish(long stamp) {
    if (written > known) {
      int pages = (written - first - 1) / PAGE + 1;
      if (stamps.length < pages) {
        stamps = Arrays.copyOf(stamps, Math.max(pages, 2 * stamps.length));
      }
      Arrays.fill(stamps, (known - first) / PAGE, pages, stamp);
      known = written;
    }
  }

  @Override
  public void discard() {
    written = known;
    begun = known;
  }

  /**
   * Lets go of the pages whose ids no later row reads.
   *
   * @param back how many ids before an event are read
   * @return the numbers of the pages
   */
  IntStream forget(int back) {
    int pages = Math.max(0, Math.min(begun - back, known - 1) - first) / PAGE;
    int before = first / PAGE;
    if (pages > 0) {
      ids = Arrays.copyOfRange(ids, pages * PAGE, known - first);
      stamps = Arrays.copyOfRange(stamps, pages, stamps.length);
      first += pages * PAGE;
    }
    return IntStream.range(before, before + pages);
  }

  @Override
  public long bytes() {
    return 4L * ids.length;
  }

  @Override
  public Kept copy() {
    Tokens copy = new Tokens();
    copy.ids = Arrays.copyOf(ids, known - first);
    copy.stamps = stamps.clone();
    copy.first = first;
    copy.known = known;
    copy.written = known;
    copy.begun = begun;
    return copy;
  }

  @Override
  public IntStream pages() {
    return IntStream.range(first / PAGE, known == 0 ? 0 : (known - 1) / PAGE + 1);
  }

  @Override
  public long stamp(int page) {
    return stamps[page - first / PAGE];
  }

  @Override
  public ByteBuffer page(int page) {
    int from = page * PAGE;
    int count = Math.min(PAGE, known - from);
    ByteBuffer bytes = ByteBuffer.allocate(4 * count).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asIntBuffer().put(ids, from - first, count);
    return bytes;
  }

  @Override
  public void restore(int number, ByteBuffer page, long stamp) {
    if (known == 0) {
      first = number * PAGE;
      known = first;
      written = first;
    }
    if (number * PAGE != known) {
      throw new IllegalArgumentException(
          "page " + number + " of token ids does not follow position " + known);
    }
    int[] more = new int[page.remaining() / 4];
    page.duplicate().order(ByteOrder.LITTLE_ENDIAN).asIntBuffer().get(more);
    write(known, more);
    publish(stamp);
    begun = known;
  }

  @Override
  public void close() {}
}
