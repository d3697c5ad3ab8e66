package anabranch.engine;

import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The units that leave behind one stage, in batch order. */
final class Departures {
  private final List<Pending> items;
  private int[] units;
  private int[] inBatch;
  private int size;
  int invalid;

  Departures(int items) {
    this.items = new ArrayList<>(items);
    this.units = new int[items];
    this.inBatch = new int[items];
  }

  void add(Pending item, int unit, int indexInBatch) {
    if (size == units.length) {
      units = Arrays.copyOf(units, Math.max(16, 2 * size));
      inBatch = Arrays.copyOf(inBatch, units.length);
    }
    items.add(item);
    units[size] = unit;
    inBatch[size++] = indexInBatch;
  }

  int size() {
    return size;
  }

  int[] unitsInBatch() {
    return Arrays.copyOf(inBatch, size);
  }

  /** Hands each unit its logits, which stand one after the other. */
  void deliver(FloatBuffer logits) {
    for (int i = 0; i < size; i++) {
      Pending item = items.get(i);
      logits.get(item.logits(), units[i] * item.outputs(), item.outputs());
    }
  }
}
