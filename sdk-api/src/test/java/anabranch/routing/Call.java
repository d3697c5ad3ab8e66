package anabranch.routing;

import anabranch.model.route.Capacity;
import anabranch.model.route.Gate;
import anabranch.model.route.Logits;
import anabranch.model.route.Placement;
import anabranch.model.route.Preference;
import anabranch.model.route.Router;
import anabranch.model.route.Score;
import anabranch.model.route.Selection;
import anabranch.model.route.Source;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** The rows of one call, and shortcuts to decide about them. Everything is public to the tests. */
final class Call implements RoutedRows {
  final boolean[] live;
  final int[] span;
  final int[] position;
  final int[] token;
  final long[] key;
  final int[] first;
  final @Nullable Float[] kept;

  private Call(int... rowsOfSpans) {
    int rows = Arrays.stream(rowsOfSpans).sum();
    live = new boolean[rows];
    Arrays.fill(live, true);
    span = new int[rows];
    position = new int[rows];
    token = new int[rows];
    key = new long[rows];
    first = new int[rowsOfSpans.length];
    kept = new Float[rowsOfSpans.length];
    int row = 0;
    for (int s = 0; s < rowsOfSpans.length; s++) {
      for (int p = 0; p < rowsOfSpans[s]; p++) {
        span[row] = s;
        key[row] = s;
        position[row++] = p;
      }
    }
  }

  /** Returns a call of spans with that many rows each, all live, from position 0 on. */
  static Call of(int... rowsOfSpans) {
    return new Call(rowsOfSpans);
  }

  /** Takes rows out. */
  Call without(int... rows) {
    for (int row : rows) {
      live[row] = false;
    }
    return this;
  }

  Call tokens(int... ids) {
    System.arraycopy(ids, 0, token, 0, ids.length);
    return this;
  }

  Call keys(long... ofSpans) {
    for (int row = 0; row < key.length; row++) {
      key[row] = ofSpans[span[row]];
    }
    return this;
  }

  /** Moves a span to a later position of its sequence. */
  Call at(int ofSpan, int start) {
    first[ofSpan] = start;
    for (int row = 0; row < span.length; row++) {
      position[row] += span[row] == ofSpan ? start : 0;
    }
    return this;
  }

  /** Decides with a router that has no learned vectors. */
  Assignment decide(Router router, int members, float @Nullable ... logits) {
    return decide(Routing.of("m", 0, router, members, null, null), logits);
  }

  Assignment decide(Routing routing, float @Nullable ... logits) {
    Assignment into = new Assignment();
    routing.decide(this, logits == null ? null : FloatBuffer.wrap(logits), into);
    return into;
  }

  static Router router(Score score, Selection selection, Gate gate) {
    return router(score, selection, gate, new Capacity.Unlimited());
  }

  static Router router(Score score, Selection selection, Gate gate, Capacity capacity) {
    return router(Source.HIDDEN, score, Preference.byScore(), selection, gate, capacity);
  }

  static Router router(
      Source source,
      Score score,
      Preference preference,
      Selection selection,
      Gate gate,
      Capacity capacity) {
    Logits logits = new Logits.Linear(false);
    return new Router(
        source, logits, score, preference, selection, gate, capacity, Placement.OUTPUT);
  }

  /** Returns logits whose softmax are these probabilities. */
  static float[] logitsOf(double... probabilities) {
    float[] logits = new float[probabilities.length];
    for (int i = 0; i < logits.length; i++) {
      logits[i] = (float) Math.log(probabilities[i]);
    }
    return logits;
  }

  /** Returns numbers in [-2, 2). */
  static float[] draw(SplittableRandom random, int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) (4 * random.nextDouble() - 2);
    }
    return values;
  }

  @Override
  public int size() {
    return live.length;
  }

  @Override
  public boolean live(int row) {
    return live[row];
  }

  @Override
  public int span(int row) {
    return span[row];
  }

  @Override
  public int spans() {
    return first.length;
  }

  @Override
  public int firstPosition(int ofSpan) {
    return first[ofSpan];
  }

  @Override
  public int position(int row) {
    return position[row];
  }

  @Override
  public int token(int row) {
    return token[row];
  }

  @Override
  public long key(int row) {
    return key[row];
  }

  @Override
  public @Nullable Float kept(int ofSpan) {
    return kept[ofSpan];
  }
}
