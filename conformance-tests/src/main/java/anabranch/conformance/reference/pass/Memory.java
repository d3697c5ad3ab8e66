package anabranch.conformance.reference.pass;

import anabranch.conformance.reference.part.AttentionPart.Shown;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What one sequence keeps from call to call: token ids, what its rows show at each attention, the
 * numbers of recurrences and of decisions taken once, and the rows of an encoder. Places are names
 * of a run of an operation.
 *
 * <p>A draft reads through to the memory below it and writes for itself, so that a call that fails
 * leaves no trace. Confined to one call at a time.
 */
public final class Memory {
  private final @Nullable Memory below;
  private final NavigableMap<Integer, Integer> tokens = new TreeMap<>();
  private final Map<String, NavigableMap<Integer, Shown>> shown = new TreeMap<>();
  private final Map<String, double[]> numbers = new TreeMap<>();
  private final Map<String, NavigableMap<Integer, Shown>> lent = new TreeMap<>();
  private final Map<String, Unread> unread = new TreeMap<>();
  private final List<double[]> rows;

  /**
   * Positions that no later call reads at a place.
   *
   * @param from the first of them
   * @param until behind the last
   */
  public record Unread(int from, int until) {}

  /** The place of token ids among those that are read no more. */
  public static final String TOKENS = "tokens";

  /** Creates the memory of a new sequence that may read some rows, {@code [width]} each. */
  public Memory(List<double[]> rows) {
    this(null, List.copyOf(rows));
  }

  private Memory(@Nullable Memory below, List<double[]> rows) {
    this.below = below;
    this.rows = rows;
  }

  /** Returns a memory that begins as this one and writes to itself. */
  public Memory draft() {
    return new Memory(this, rows);
  }

  /** Takes over what was written to a draft of this memory. */
  public void publish(Memory draft) {
    tokens.putAll(draft.tokens);
    draft.shown.forEach((place, more) -> shownAt(place).putAll(more));
    numbers.putAll(draft.numbers);
  }

  /** Returns a memory with the same content; neither sees what the other does later. */
  public Memory copy() {
    Memory copy = new Memory(null, rows);
    copy.publish(this);
    return copy;
  }

  /** Returns the rows of the encoder, normed. */
  public List<double[]> rows() {
    return rows;
  }

  /** Keeps a token id. */
  public void keepToken(int position, int token) {
    tokens.put(position, token);
  }

  /**
   * Returns a token id.
   *
   * @throws IllegalStateException if the position has not been seen
   */
  public int token(int position) {
    Integer token = tokens.get(position);
    if (token != null) {
      return token;
    } else if (below != null) {
      return below.token(position);
    }
    throw new IllegalStateException("no row has been at position " + position);
  }

  /** Keeps what a row shows at an attention. */
  public void show(String place, int position, Shown row) {
    shownAt(place).put(position, row);
  }

  /** Knows for this call alone what a row showed at an attention before. */
  public void lend(String place, int position, Shown row) {
    lent.computeIfAbsent(place, any -> new TreeMap<>()).put(position, row);
  }

  /** Notes that no later call reads some positions at a place; the last note of a call counts. */
  public void unread(String place, int from, int until) {
    unread.put(place, new Unread(from, until));
  }

  /** Returns the notes made here. */
  public Map<String, Unread> unread() {
    return unread;
  }

  /** Lets go of what is at a place, from one position to another, both included. */
  public void forget(String place, int from, int to) {
    NavigableMap<Integer, ?> all = place.equals(TOKENS) ? tokens : shownAt(place);
    all.subMap(from, true, to, true).clear();
  }

  /** Returns what a row showed at an attention; null for nothing. */
  public @Nullable Shown shown(String place, int position) {
    Map<Integer, Shown> here = shown.get(place);
    Shown row = here == null ? null : here.get(position);
    if (row == null && lent.containsKey(place)) {
      row = lent.get(place).get(position);
    }
    return row != null || below == null ? row : below.shown(place, position);
  }

  /** Returns what rows up to a position show at an attention, by position. */
  public NavigableMap<Integer, Shown> visible(String place, int upTo) {
    NavigableMap<Integer, Shown> all = below == null ? new TreeMap<>() : below.visible(place, upTo);
    NavigableMap<Integer, Shown> here = shown.get(place);
    if (here != null) {
      all.putAll(here.headMap(upTo, true));
    }
    return all;
  }

  private NavigableMap<Integer, Shown> shownAt(String place) {
    return shown.computeIfAbsent(place, any -> new TreeMap<>());
  }

  /** Keeps some numbers. */
  public void keep(String place, double... values) {
    numbers.put(place, values.clone());
  }

  /** Returns a copy of the numbers that were kept; null for none. */
  public double @Nullable [] kept(String place) {
    double[] values = numbers.get(place);
    if (values == null) {
      return below == null ? null : below.kept(place);
    }
    return values.clone();
  }

  /** Returns the bytes of all that was written here, and of the encoder's rows. */
  public long bytes() {
    long bytes = 4L * tokens.size();
    for (Map<Integer, Shown> place : shown.values()) {
      for (Shown row : place.values()) {
        bytes += 8L * (row.key().length + row.value().length);
      }
    }
    for (double[] values : numbers.values()) {
      bytes += 8L * values.length;
    }
    for (double[] row : rows) {
      bytes += 8L * row.length;
    }
    return bytes;
  }

  /** Returns the positions of the token ids written here. */
  public Set<Integer> tokenPositions() {
    return new HashSet<>(tokens.keySet());
  }

  /** Returns the token ids written here from one position to another, both included. */
  public NavigableMap<Integer, Integer> tokens(int from, int to) {
    return new TreeMap<>(tokens.subMap(from, true, to, true));
  }

  /** Returns the attentions at which something was written here, with the positions. */
  public Map<String, List<Integer>> shownPositions() {
    Map<String, List<Integer>> all = new TreeMap<>();
    shown.forEach((place, positions) -> all.put(place, new ArrayList<>(positions.keySet())));
    return all;
  }

  /** Returns the places at which numbers were written here. */
  public Set<String> keptPlaces() {
    return new HashSet<>(numbers.keySet());
  }
}
