package anabranch.conformance.reference;

import anabranch.backend.StateImage;
import anabranch.conformance.reference.part.AttentionPart.Shown;
import anabranch.conformance.reference.pass.Memory;
import anabranch.conformance.reference.pass.PageReader;
import anabranch.conformance.reference.pass.PageWriter;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * A memory as numbered pages: one for every sixteen positions of what rows show at an attention, of
 * token ids and of the rows of an encoder, one for the numbers of each place, and one for the
 * length. A page begins with what it holds, so that a memory can be read from pages alone.
 *
 * <p>Rule S1: a page's number stays its own for the life of the sequence; a page is in an image
 * when it was written since. Rule S13: a page goes when no later row reads any position of it.
 */
final class Pages {
  private static final int ROWS = 16;
  private static final int MOST_DROPPED = 1024;

  /** What a page holds. */
  private enum Kind {
    LENGTH,
    TOKENS,
    ROWS,
    SHOWN,
    NUMBERS
  }

  /**
   * Which page it is.
   *
   * @param place of an operation; empty where the kind says all
   * @param number of sixteen positions
   */
  private record Title(Kind kind, String place, int number) {}

  /**
   * What was read from an image.
   *
   * @param pages all clean
   */
  record Read(Memory memory, Pages pages, int length) {}

  private final Map<Title, Integer> ids = new HashMap<>();
  private final Map<Title, Long> written = new HashMap<>();
  private final NavigableMap<Integer, Long> dropped = new TreeMap<>();
  private int next;
  private long forgotten;
  private long clock = 1;

  private void write(Title title) {
    if (!ids.containsKey(title)) {
      ids.put(title, next++);
    }
    written.put(title, clock);
  }

  /** Notes that the length has changed. */
  void length() {
    write(new Title(Kind.LENGTH, "", 0));
  }

  /** Notes the rows of an encoder. */
  void rows(Memory memory) {
    for (int row = 0; row < memory.rows().size(); row++) {
      write(new Title(Kind.ROWS, "", row / ROWS));
    }
  }

  /** Notes all that a draft has. */
  void written(Memory draft) {
    draft.tokenPositions().forEach(p -> write(new Title(Kind.TOKENS, "", p / ROWS)));
    draft
        .shownPositions()
        .forEach(
            (place, positions) ->
                positions.forEach(p -> write(new Title(Kind.SHOWN, place, p / ROWS))));
    draft.keptPlaces().forEach(place -> write(new Title(Kind.NUMBERS, place, 0)));
  }

  /** Rule S13: lets go of the pages of a memory that no later call reads, as a draft notes. */
  void forget(Memory draft, Memory from) {
    draft
        .unread()
        .forEach(
            (place, unread) -> {
              int first = (Math.max(0, unread.from()) + ROWS - 1) / ROWS;
              for (int n = first; (n + 1) * ROWS <= unread.until(); n++) {
                boolean tokens = place.equals(Memory.TOKENS);
                Title title = new Title(tokens ? Kind.TOKENS : Kind.SHOWN, tokens ? "" : place, n);
                Integer id = ids.remove(title);
                if (id != null) {
                  from.forget(place, n * ROWS, (n + 1) * ROWS - 1);
                  written.remove(title);
                  dropped.put(id, clock);
                }
              }
            });
    while (dropped.size() > MOST_DROPPED) {
      forgotten = Math.max(forgotten, dropped.pollFirstEntry().getValue());
    }
  }

  /** Returns the last version before which it is not known any more what was dropped. */
  long forgotten() {
    return forgotten;
  }

  /** Returns the pages that were dropped behind a version. */
  Set<Integer> dropped(long since) {
    Set<Integer> behind = new TreeSet<>();
    dropped.forEach(
        (id, when) -> {
          if (when > since) {
            behind.add(id);
          }
        });
    return behind;
  }

  /** Ends a version and returns its number. */
  long mark() {
    return clock++;
  }

  Pages copy() {
    Pages copy = new Pages();
    copy.ids.putAll(ids);
    copy.written.putAll(written);
    copy.clock = clock;
    copy.dropped.putAll(dropped);
    copy.next = next;
    copy.forgotten = forgotten;
    return copy;
  }

  /** Returns the pages written behind a version, by number. */
  Map<Integer, ByteBuffer> content(Memory memory, int length, long since) {
    Map<Integer, ByteBuffer> pages = new TreeMap<>();
    ids.forEach(
        (title, id) -> {
          if (written.getOrDefault(title, 0L) > since) {
            pages.put(id, page(title, memory, length));
          }
        });
    return pages;
  }

  private static ByteBuffer page(Title title, Memory memory, int length) {
    PageWriter page = new PageWriter();
    page.text(title.kind.name());
    page.text(title.place);
    page.number(title.number);
    int first = title.number * ROWS;
    switch (title.kind) {
      case LENGTH -> page.number(length);
      case ROWS -> {
        int end = Math.min(first + ROWS, memory.rows().size());
        memory.rows().subList(first, end).forEach(page::numbers);
      }
      case NUMBERS -> page.numbers(memory.kept(title.place));
      case TOKENS ->
          memory.tokens(first, first + ROWS - 1).forEach((p, token) -> page.number(p, token));
      case SHOWN ->
          memory
              .visible(title.place, first + ROWS - 1)
              .tailMap(first, true)
              .forEach(
                  (position, shown) -> {
                    page.number(position);
                    page.numbers(shown.key());
                    page.numbers(shown.value());
                  });
    }
    return page.done();
  }

  /** Reads a complete image. */
  static Read read(StateImage image) {
    Pages pages = new Pages();
    pages.clock = image.version() + 1;
    List<double[]> rows = new ArrayList<>();
    Map<Title, PageReader> rest = new HashMap<>();
    Map<Integer, PageReader> encoded = new TreeMap<>();
    image
        .pages()
        .forEach(
            (id, bytes) -> {
              PageReader page = new PageReader(bytes);
              Title title = new Title(Kind.valueOf(page.text()), page.text(), page.number());
              pages.ids.put(title, id);
              pages.next = Math.max(pages.next, id + 1);
              pages.written.put(title, image.version());
              if (title.kind == Kind.ROWS) {
                encoded.put(title.number, page);
              } else {
                rest.put(title, page);
              }
            });
    for (PageReader page : encoded.values()) {
      while (page.hasMore()) {
        rows.add(page.numbers());
      }
    }
    Memory memory = new Memory(rows);
    int[] length = {0};
    rest.forEach((title, page) -> fill(memory, title, page, length));
    return new Read(memory, pages, length[0]);
  }

  private static void fill(Memory memory, Title title, PageReader page, int[] length) {
    while (page.hasMore()) {
      switch (title.kind) {
        case LENGTH -> length[0] = page.number();
        case TOKENS -> memory.keepToken(page.number(), page.number());
        case NUMBERS -> memory.keep(title.place, page.numbers());
        case SHOWN -> {
          int position = page.number();
          memory.show(title.place, position, new Shown(page.numbers(), page.numbers()));
        }
        default -> throw new AssertionError(title + " was read before");
      }
    }
  }
}
