package anabranch.onnx.attention;

import anabranch.model.position.Rotary;
import java.nio.FloatBuffer;
import java.util.Arrays;

/**
 * Cosines and sines of rotary positions, for each pair that is rotated, times the attention factor.
 * Thread-safe; grows with the positions it has seen.
 */
public final class Angles {
  private final double factor;
  private final double[] turns;
  private final int pairs;
  private volatile Table table = new Table(new float[0], new float[0]);

  /** Creates the angles of some pairs. */
  public Angles(Rotary rotary, int pairs) {
    this.pairs = pairs;
    turns = new double[pairs];
    for (int i = 0; i < pairs; i++) {
      turns[i] = Math.pow(rotary.base(), -(double) i / pairs);
    }
    if (rotary.scaling() instanceof Rotary.Linear linear) {
      for (int i = 0; i < pairs; i++) {
        turns[i] /= linear.factor();
      }
    }
    Rotary.Yarn yarn = rotary.scaling() instanceof Rotary.Yarn given ? given : null;
    if (yarn != null) {
      stretch(rotary.base(), yarn);
    }
    factor = yarn == null ? 1 : yarn.attentionFactor();
  }

  private void stretch(double base, Rotary.Yarn yarn) {
    double fast = border(base, yarn.originalLength(), yarn.betaFast());
    double slow = border(base, yarn.originalLength(), yarn.betaSlow());
    double low = Math.max(0, yarn.truncated() ? Math.floor(fast) : fast);
    double high = Math.min(2 * pairs - 1, yarn.truncated() ? Math.ceil(slow) : slow);
    double length = low == high ? 0.001 : high - low;
    for (int i = 0; i < pairs; i++) {
      double divided = Math.min(1, Math.max(0, (i - low) / length));
      turns[i] *= 1 - divided + divided / yarn.factor();
    }
  }

  /** Returns the pair, counted in fractions, that turns so often within a length. */
  private double border(double base, int length, double often) {
    return pairs * Math.log(length / (often * 2 * Math.PI)) / Math.log(base);
  }

  /** Returns how many pairs there are. */
  public int pairs() {
    return pairs;
  }

  /** Writes the vectors of some positions, one after the other. */
  public void write(int[] positions, FloatBuffer cos, FloatBuffer sin) {
    int last = 0;
    for (int position : positions) {
      last = Math.max(last, position);
    }
    Table known = upTo(last);
    for (int i = 0; i < positions.length; i++) {
      cos.put(i * pairs, known.cos, positions[i] * pairs, pairs);
      sin.put(i * pairs, known.sin, positions[i] * pairs, pairs);
    }
  }

  private Table upTo(int position) {
    Table known = table;
    return position < known.cos.length / pairs ? known : grow(position);
  }

  private synchronized Table grow(int position) {
    Table known = table;
    int from = known.cos.length / pairs;
    if (position < from) {
      return known;
    }
    int to = Math.max(position + 1, Math.max(64, 2 * from));
    float[] cos = Arrays.copyOf(known.cos, Math.multiplyExact(to, pairs));
    float[] sin = Arrays.copyOf(known.sin, cos.length);
    for (int p = from; p < to; p++) {
      for (int i = 0; i < pairs; i++) {
        double angle = p * turns[i];
        cos[p * pairs + i] = (float) (factor * Math.cos(angle));
        sin[p * pairs + i] = (float) (factor * Math.sin(angle));
      }
    }
    table = new Table(cos, sin);
    return table;
  }

  private record Table(float[] cos, float[] sin) {}
}
