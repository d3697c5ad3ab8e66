package anabranch.onnx.rows;

import anabranch.backend.Activations;
import anabranch.backend.Rows;
import anabranch.backend.Span;
import anabranch.backend.StageBatch;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Some rows of a batch, and where they stand while they run: live rows first, in batch order, then
 * rows whose keys are projected, then rows that share theirs, so that what fewer rows need runs on
 * a prefix. Rows are numbered in batch order. Immutable once made.
 */
public final class Packing {
  /** No rows at all. */
  public static final Packing NOTHING =
      new Packing(List.of(), new int[1], null, null, null, new int[0], null);

  /** One span of one row; whoever packs such a call writes what is there already. */
  private static final int[] ONE = {0, 1};

  /** The spans of the batch; some may have no row here. */
  public final List<Span> spans;

  /** How many rows there are. */
  public final int rows;

  /** How many of them are live. */
  public final int live;

  /** How many are live or projected. */
  public final int projecting;

  /** For each span, its first row; one more entry than spans. */
  public final int[] first;

  /** What each row does; null where all are live. */
  private final Role @Nullable [] role;

  /** Where each row stands; null where that is its number, as are the next two. */
  private final int @Nullable [] place;

  private final int @Nullable [] outer;
  private final int @Nullable [] inBatch;
  private final int[] position;
  private final int @Nullable [] count;

  private Packing(
      List<Span> spans,
      int[] first,
      Role @Nullable [] role,
      int @Nullable [] outer,
      int @Nullable [] inBatch,
      int[] position,
      int @Nullable [] count) {
    this.spans = spans;
    this.first = first;
    this.role = role;
    this.outer = outer;
    this.inBatch = inBatch;
    this.position = position;
    this.count = count;
    rows = position.length;
    int alive = role == null ? rows : 0;
    for (int row = 0; role != null && row < rows; row++) {
      alive += role[row] == Role.LIVE ? 1 : 0;
    }
    live = alive;
    if (role == null || live == rows) {
      place = null;
      projecting = rows;
      return;
    }
    place = new int[rows];
    place(role, Role.LIVE, 0, place);
    projecting = place(role, Role.PROJECTED, live, place);
    place(role, Role.SHARED, projecting, place);
  }

  /**
   * Packs all rows of a batch.
   *
   * @param frozen what frozen rows do
   */
  public static Packing of(StageBatch batch, Role frozen) {
    int rows = batch.size();
    int spans = batch.spans().size();
    int[] first = rows == 1 && spans == 1 ? ONE : new int[spans + 1];
    Role[] role = null;
    int[] position = new int[rows];
    int row = 0;
    for (int s = 0; s < spans; s++) {
      Rows span = batch.spans().get(s).rows();
      first[s] = row;
      for (int i = 0; i < span.size(); i++, row++) {
        if (span.frozen(i)) {
          role = role == null ? allLive(rows) : role;
          role[row] = frozen;
        }
        position[row] = span.position(i);
      }
    }
    first[spans] = row;
    return new Packing(batch.spans(), first, role, null, null, position, null);
  }

  private static Role[] allLive(int rows) {
    Role[] role = new Role[rows];
    Arrays.fill(role, Role.LIVE);
    return role;
  }

  /** Packs those rows of this packing that have something to do, given the role of each. */
  public Packing within(Role[] roles) {
    int[] kept = new int[rows];
    int[] firstKept = new int[first.length];
    int count = 0;
    for (int s = 0; s < spans.size(); s++) {
      firstKept[s] = count;
      for (int row = first[s]; row < first[s + 1]; row++) {
        if (roles[row] != Role.ABSENT) {
          kept[count++] = row;
        }
      }
    }
    firstKept[spans.size()] = count;
    kept = Arrays.copyOf(kept, count);
    Role[] role = new Role[count];
    int[] batch = new int[count];
    int[] positions = new int[count];
    for (int i = 0; i < count; i++) {
      role[i] = roles[kept[i]];
      batch[i] = inBatch(kept[i]);
      positions[i] = position[kept[i]];
    }
    return new Packing(spans, firstKept, role, kept, batch, positions, null);
  }

  /**
   * Packs rows each of which stands for some rows of this packing: one for itself, several as one
   * at the mean of their positions, rounded half to even.
   *
   * @param groups for each span, the rows that each row stands for, ascending
   * @param roles of those rows
   */
  public Packing merged(List<List<int[]>> groups, List<Role> roles) {
    int size = roles.size();
    int[] firstOf = new int[first.length];
    int[] of = new int[size];
    int[] batch = new int[size];
    int[] positions = new int[size];
    int[] counts = new int[size];
    int row = 0;
    for (int s = 0; s < spans.size(); s++) {
      firstOf[s] = row;
      for (int[] group : groups.get(s)) {
        double sum = 0;
        for (int each : group) {
          sum += position[each];
        }
        of[row] = group[0];
        batch[row] = inBatch(group[0]);
        positions[row] = (int) Math.rint(sum / group.length);
        counts[row++] = group.length;
      }
    }
    firstOf[spans.size()] = row;
    Role[] all = roles.toArray(new Role[0]);
    return new Packing(spans, firstOf, all, of, batch, positions, counts);
  }

  /**
   * Checks what the contract says of positions, against the longest sequence allowed.
   *
   * @throws IllegalArgumentException naming a position that does not ascend or is too large
   */
  public void checkPositions(int maxLength) {
    for (int s = 0; s < spans.size(); s++) {
      if (size(s) == 0) {
        throw new IllegalArgumentException("a span has no rows");
      }
      int before = -1;
      for (int row = first[s]; row < first[s + 1]; row++) {
        if (position[row] <= before || position[row] >= maxLength) {
          throw new IllegalArgumentException(
              "position "
                  + position[row]
                  + " does not ascend from "
                  + before
                  + " within 0.."
                  + (maxLength - 1));
        }
        before = position[row];
      }
    }
  }

  /** Returns whether a row is live. */
  public boolean isLive(int row) {
    return role == null || role[row] == Role.LIVE;
  }

  /** Returns what a row does. */
  public Role role(int row) {
    return role == null ? Role.LIVE : role[row];
  }

  /** Returns where a row stands. */
  public int place(int row) {
    return place == null ? row : place[row];
  }

  /** Returns the number of a row in the packing that this one was made within. */
  public int outer(int row) {
    return outer == null ? row : outer[row];
  }

  /** Returns the number of a row in the batch. */
  public int inBatch(int row) {
    return inBatch == null ? row : inBatch[row];
  }

  /** Returns the position of a row in its sequence. */
  public int position(int row) {
    return position[row];
  }

  /** Returns how many rows a row stands for. */
  public int count(int row) {
    return count == null ? 1 : count[row];
  }

  /** Returns the number of rows of a span. */
  public int size(int span) {
    return first[span + 1] - first[span];
  }

  /** Returns the number of live rows of a span. */
  public int liveOf(int span) {
    int count = 0;
    for (int row = first[span]; row < first[span + 1]; row++) {
      count += isLive(row) ? 1 : 0;
    }
    return count;
  }

  /** Returns the place of the first live row of a span; its other live rows follow it. */
  public int firstPlace(int span) {
    for (int row = first[span]; row < first[span + 1]; row++) {
      if (isLive(row)) {
        return place(row);
      }
    }
    return 0;
  }

  /** Returns the positions of the rows, by place. */
  public int[] positions() {
    int[] positions = new int[rows];
    for (int row = 0; row < rows; row++) {
      positions[place(row)] = position[row];
    }
    return positions;
  }

  /** Copies the hidden vectors that earlier calls left to their places. */
  public void gather(FloatBuffer into, int width) {
    for (int s = 0; s < spans.size(); s++) {
      Rows span = spans.get(s).rows();
      int i = 0;
      while (i < span.size()) {
        int start = i++;
        Activations from = span.from(start);
        while (i < span.size()
            && span.from(i) == from
            && span.index(i) == span.index(start) + i - start
            && place(first[s] + i) == place(first[s] + start) + i - start) {
          i++;
        }
        OnnxRows.of(span, start, width)
            .copyTo(into, place(first[s] + start), span.index(start), i - start);
      }
    }
  }

  /** Copies vectors from the places of the packing that this one was made within. */
  public void gather(Packing within, FloatBuffer from, FloatBuffer into, int width) {
    int row = 0;
    while (row < rows) {
      int start = row++;
      int source = within.place(outer(start));
      while (row < rows
          && place(row) == place(start) + row - start
          && within.place(outer(row)) == source + row - start) {
        row++;
      }
      into.put(place(start) * width, from, source * width, (row - start) * width);
    }
  }

  /** Copies vectors from batch order to their places. */
  public void gatherFromBatch(FloatBuffer from, FloatBuffer into, int width) {
    for (int row = 0; row < rows; row++) {
      into.put(place(row) * width, from, inBatch(row) * width, width);
    }
  }

  /** Copies vectors from their places to batch order. */
  public void scatter(FloatBuffer from, FloatBuffer into, int width) {
    if (live == rows) {
      into.put(0, from, 0, rows * width);
      return;
    }
    for (int row = 0; row < rows; row++) {
      into.put(inBatch(row) * width, from, place(row) * width, width);
    }
  }

  private static int place(Role[] role, Role of, int from, int[] place) {
    int next = from;
    for (int row = 0; row < role.length; row++) {
      if (role[row] == of) {
        place[row] = next++;
      }
    }
    return next;
  }
}
