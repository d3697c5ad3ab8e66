package anabranch.checkpoint.tensor;

/**
 * The Mersenne Twister MT19937 (Matsumoto and Nishimura), seeded by an array of one number as
 * Python seeds it. Confined to one thread.
 */
final class Twister {
  private static final int WORDS = 624;
  private static final int APART = 397;

  private final int[] state = new int[WORDS];
  private int next = WORDS;

  Twister(int seed) {
    state[0] = 19650218;
    for (int i = 1; i < WORDS; i++) {
      state[i] = 1812433253 * (state[i - 1] ^ state[i - 1] >>> 30) + i;
    }
    int at = 1;
    for (int k = 0; k < WORDS; k++) {
      state[at] = (state[at] ^ (state[at - 1] ^ state[at - 1] >>> 30) * 1664525) + seed;
      at = next(at);
    }
    for (int k = 1; k < WORDS; k++) {
      state[at] = (state[at] ^ (state[at - 1] ^ state[at - 1] >>> 30) * 1566083941) - at;
      at = next(at);
    }
    state[0] = 0x80000000;
  }

  /** Returns a number in 0..bound-1: as many high bits as the bound has, again where too large. */
  int below(int bound) {
    int unused = Integer.numberOfLeadingZeros(bound);
    int drawn;
    do {
      drawn = word() >>> unused;
    } while (drawn >= bound || drawn < 0);
    return drawn;
  }

  private int next(int at) {
    if (at + 1 < WORDS) {
      return at + 1;
    }
    state[0] = state[WORDS - 1];
    return 1;
  }

  private int word() {
    if (next == WORDS) {
      for (int i = 0; i < WORDS; i++) {
        int mixed = state[i] & 0x80000000 | state[(i + 1) % WORDS] & 0x7fffffff;
        int odd = (mixed & 1) == 0 ? 0 : 0x9908b0df;
        state[i] = state[(i + APART) % WORDS] ^ mixed >>> 1 ^ odd;
      }
      next = 0;
    }
    int y = state[next++];
    y ^= y >>> 11;
    y ^= y << 7 & 0x9d2c5680;
    y ^= y << 15 & 0xefc60000;
    return y ^ y >>> 18;
  }
}
