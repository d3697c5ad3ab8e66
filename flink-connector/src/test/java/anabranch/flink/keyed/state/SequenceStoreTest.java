package anabranch.flink.keyed.state;

import static org.junit.jupiter.api.Assertions.assertEquals;

import anabranch.backend.StateImage;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** What is asked of Flink's state when a sequence is written. */
class SequenceStoreTest {
  private final AskedState state = new AskedState();

  /** On RocksDB, to look for pages costs more than to write one. */
  @Test
  void pagesThatAreNotThereAreNotLookedFor() throws Exception {
    SequenceStore store = state.store();
    SequenceHeader first = store.write(SequenceHeader.fresh("v"), image(1, true, 1, 2));
    SequenceHeader second = store.write(first, image(2, false, 2, 3));
    List<String> once = List.of("update header", "putAll pages");
    assertEquals(once, state.calls.subList(0, 2));
    assertEquals(once, state.calls.subList(2, state.calls.size()));
    assertEquals(Set.of(1, 2, 3), state.pages.keySet());
    assertEquals(2, second.version());
  }

  @Test
  void aCompleteImageTakesThePlaceOfEarlierPages() throws Exception {
    SequenceStore store = state.store();
    SequenceHeader first = store.write(SequenceHeader.fresh("v"), image(1, true, 1, 2));
    store.write(first, image(2, true, 2));
    assertEquals(Set.of(2), state.pages.keySet());
  }

  private static StateImage image(long version, boolean complete, int... numbers) {
    Map<Integer, ByteBuffer> some = new TreeMap<>();
    for (int number : numbers) {
      some.put(number, ByteBuffer.wrap(new byte[] {(byte) number, (byte) version}));
    }
    return new StateImage("signature", version, complete, some, Set.of());
  }
}
