package anabranch.onnx.attention;

import java.nio.FloatBuffer;
import java.util.Arrays;

/**
 * Cosines and sines of rotary positions: element i of {@code half} at position p has the angle
 * {@code p * base^(-i/half)}. Thread-safe; grows with the positions it has seen.
 */
public final class Angles {
  private final double base;
  private final int half;
  private volatile Table table = new Table(new float[0], new float[0]);

  /** Creates angles of one base for half a head's width. */
  public Angles(double base, int half) {
    this.base = base;
    this.half = half;
  }

  /** Returns half a head's width. */
  public int half() {
    return half;
  }

  /** Writes the vectors of some positions, one after the other. */
  public void write(int[] positions, FloatBuffer cos, FloatBuffer sin) {
    Table known = upTo(Arrays.stream(positions).max().orElse(0));
    for (int i = 0; i < positions.length; i++) {
      cos.put(i * half, known.cos, positions[i] * half, half);
      sin.put(i * half, known.sin, positions[i] * half, half);
    }
  }

  private Table upTo(int position) {
    Table known = table;
    return position < known.cos.length / half ? known : grow(position);
  }

  private synchronized Table grow(int position) {
    Table known = table;
    int from = known.cos.length / half;
    if (position < from) {
      return known;
    }
    int to = Math.max(position + 1, Math.max(64, 2 * from));
    float[] cos = Arrays.copyOf(known.cos, Math.multiplyExact(to, half));
    float[] sin = Arrays.copyOf(known.sin, cos.length);
    for (int p = from; p < to; p++) {
      for (int i = 0; i < half; i++) {
        double angle = p * Math.pow(base, -(double) i / half);
        cos[p * half + i] = (float) Math.cos(angle);
        sin[p * half + i] = (float) Math.sin(angle);
      }
    }
    table = new Table(cos, sin);
    return table;
  }

  private record Table(float[] cos, float[] sin) {}
}
