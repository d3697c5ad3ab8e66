package anabranch.onnx.state;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import anabranch.onnx.memory.BufferPool;
import anabranch.onnx.memory.Lent;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class KeyValuesTest {
  private static final int KEY = 3;
  private static final int VALUE = 2;

  @Test
  void aNumberBeyondTheLargestOf16BitsIsRefused() {
    assertEquals(65504f, KeyValues.rounded(65504f));
    ArithmeticException refused =
        assertThrows(ArithmeticException.class, () -> KeyValues.rounded(-70000f));
    assertEquals(
        "a key or value -70000.0 is not in -65504..65504, which onnx.state fp16 can keep",
        refused.getMessage());
  }

  @Test
  void behindTheLastRowTheTileHoldsZerosWhateverWasThere() {
    BufferPool pool = new BufferPool(1 << 22);
    for (int seed = 0; seed < 20; seed++) {
      SplittableRandom random = new SplittableRandom(seed);
      soil(pool);
      KeyValues store = new KeyValues(pool, KEY, VALUE, false);
      int position = 0;
      for (int call = 0; call < 100; call++) {
        int before = store.written();
        int room = random.nextInt(random.nextInt(10) == 0 ? 300 : 5);
        int rows = random.nextInt(2) == 0 ? room : random.nextInt(room + 1);
        store.reserve(room);
        if (random.nextInt(5) == 0) {
          writeOnes(store, room);
          store.discard();
          store.reserve(room);
        }
        boolean there = random.nextInt(2) == 0;
        if (there) {
          writeOnes(store, rows);
        }
        for (int row = 0; row < rows; row++) {
          if (there) {
            store.add(position + row);
          } else {
            store.add(position + row, ones(KEY), ones(VALUE), 0);
          }
        }
        store.end();
        assertEndsInZeros(store, before + rows);
        if (random.nextInt(3) == 0) {
          store.discard();
          continue;
        }
        store.publish(call);
        position += rows;
        if (random.nextInt(4) == 0) {
          store.forget(1, position - 90);
        } else if (random.nextInt(4) == 0) {
          KeyValues copy = (KeyValues) store.copy();
          assertEndsInZeros(copy, copy.written());
          store.close();
          store = copy;
        }
      }
      store.close();
    }
  }

  /** Writes where the next rows belong, as a graph does. */
  private static void writeOnes(KeyValues store, int rows) {
    for (int row = store.written(); row < store.written() + rows; row++) {
      store.keys().put(row * KEY, ones(KEY), 0, KEY);
      store.values().put(row * VALUE, ones(VALUE), 0, VALUE);
    }
  }

  private static void assertEndsInZeros(KeyValues store, int rows) {
    assertEquals(rows, store.written());
    for (int row = 0; rows > 0 && row < KeyValues.tileEnd(rows - 1); row++) {
      float expected = row < rows ? 1 : 0;
      for (int c = 0; c < KEY; c++) {
        assertEquals(expected, store.keys().get(row * KEY + c), "key of row " + row);
      }
      for (int c = 0; c < VALUE; c++) {
        assertEquals(expected, store.values().get(row * VALUE + c), "value of row " + row);
      }
    }
  }

  /** Has a pool lend buffers of all sizes that hold no zeros. */
  private static void soil(BufferPool pool) {
    List<Lent> soiled = new ArrayList<>();
    for (int size = 10; size < 16; size++) {
      for (int i = 0; i < 3; i++) {
        Lent lent = pool.take(1L << size);
        for (int at = 0; at < lent.floats().capacity(); at++) {
          lent.floats().put(at, 7);
        }
        soiled.add(lent);
      }
    }
    soiled.forEach(pool::give);
  }

  private static FloatBuffer ones(int length) {
    FloatBuffer ones = BufferPool.direct(length);
    for (int at = 0; at < length; at++) {
      ones.put(at, 1);
    }
    return ones;
  }
}
