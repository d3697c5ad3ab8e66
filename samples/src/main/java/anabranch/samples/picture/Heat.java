package anabranch.samples.picture;

/** The steps of the colour ramp: how many bits a byte needed, in eight classes. Stateless. */
final class Heat {
  /** The bits from which on a byte is in the step behind; below the first one it has no colour. */
  private static final double[] FROM = {0.5, 1, 2, 3, 4, 6, 8, 11};

  /** How many steps there are, the one without colour included. */
  static final int STEPS = FROM.length + 1;

  private Heat() {}

  /** Returns the step of a number of bits, from 0 for the least. */
  static int step(double bits) {
    int step = 0;
    while (step < FROM.length && bits >= FROM[step]) {
      step++;
    }
    return step;
  }

  /** Returns the fewest bits of a step. */
  static double from(int step) {
    return step == 0 ? 0 : FROM[step - 1];
  }
}
