package anabranch.routing;

/**
 * Indices by descending key; equal keys, zeros of both signs among them, keep their order. The
 * arrays are scratch. Confined to one thread.
 */
final class Ranks {
  private double[] keys = new double[0];
  private int[] order = new int[0];
  private int[] other = new int[0];
  private int size;

  /** Begins a ranking of at most that many keys. */
  void begin(int most) {
    size = 0;
    if (keys.length < most) {
      keys = new double[most];
      order = new int[most];
      other = new int[most];
    }
  }

  /** Adds the key of the next index. */
  void add(double key) {
    order[size] = size;
    keys[size++] = key;
  }

  /** Returns the number of keys. */
  int size() {
    return size;
  }

  /** Sorts, by merging runs of doubled length. */
  void sort() {
    for (int run = 1; run < size; run *= 2) {
      for (int from = 0; from < size; from += 2 * run) {
        merge(from, Math.min(from + run, size), Math.min(from + 2 * run, size));
      }
      int[] sorted = other;
      other = order;
      order = sorted;
    }
  }

  private void merge(int from, int middle, int end) {
    int left = from;
    int right = middle;
    for (int at = from; at < end; at++) {
      boolean takeRight = left == middle || right < end && keys[order[right]] > keys[order[left]];
      other[at] = order[takeRight ? right++ : left++];
    }
  }

  /** Returns the index that came to a place. */
  int at(int place) {
    return order[place];
  }
}
