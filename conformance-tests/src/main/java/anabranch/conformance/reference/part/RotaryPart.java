package anabranch.conformance.reference.part;

import anabranch.model.position.Rotary;

/** The rotation of heads by their position. */
final class RotaryPart {
  private final Rotary rotary;
  private final int headWidth;

  /** How many pairs of each head are rotated. */
  private final int pairs;

  RotaryPart(Rotary rotary, int headWidth) {
    this.rotary = rotary;
    this.headWidth = headWidth;
    pairs = (rotary.part() == null ? headWidth : rotary.part()) / 2;
  }

  /** Rule A8: returns some heads, one behind the other, rotated. */
  double[] of(double[] x, int position) {
    double[] y = x.clone();
    double size = rotary.scaling() instanceof Rotary.Yarn yarn ? yarn.attentionFactor() : 1;
    for (int head = 0; head < x.length; head += headWidth) {
      for (int i = 0; i < pairs; i++) {
        double angle = position * speed(i);
        int a = head + (rotary.interleaved() ? 2 * i : i);
        int b = rotary.interleaved() ? a + 1 : a + pairs;
        y[a] = size * (x[a] * Math.cos(angle) - x[b] * Math.sin(angle));
        y[b] = size * (x[b] * Math.cos(angle) + x[a] * Math.sin(angle));
      }
    }
    return y;
  }

  /** Rule A20: by how many radians pair i turns from one position to the next. */
  private double speed(int i) {
    double own = Math.pow(rotary.base(), -(double) i / pairs);
    if (rotary.scaling() instanceof Rotary.Linear linear) {
      return own / linear.factor();
    } else if (rotary.scaling() instanceof Rotary.Yarn yarn) {
      double low = border(yarn, yarn.betaFast());
      double high = border(yarn, yarn.betaSlow());
      low = Math.max(0, yarn.truncated() ? Math.floor(low) : low);
      high = Math.min(2 * pairs - 1, yarn.truncated() ? Math.ceil(high) : high);
      high = low == high ? high + 0.001 : high;
      double share = Math.max(0, Math.min((i - low) / (high - low), 1));
      return share * own / yarn.factor() + (1 - share) * own;
    }
    return own;
  }

  private double border(Rotary.Yarn yarn, double turns) {
    double length = yarn.originalLength() / (2 * Math.PI * turns);
    return pairs * Math.log(length) / Math.log(rotary.base());
  }
}
