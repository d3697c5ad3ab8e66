package anabranch.flink.keyed.state;

import anabranch.backend.StateImage;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.apache.flink.annotation.Internal;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.State;
import org.apache.flink.api.common.state.StateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeutils.base.IntSerializer;
import org.apache.flink.runtime.state.KeyedStateBackend;
import org.apache.flink.runtime.state.VoidNamespace;
import org.apache.flink.runtime.state.VoidNamespaceSerializer;
import org.apache.flink.util.function.ThrowingConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The sequence of the current key, as it is in Flink's state: a header, and pages by number of
 * which only those that changed are written. Confined to the task's thread.
 */
@Internal
public final class SequenceStore {
  private static final String HEADER = "anabranch-sequence-header";
  private static final String PAGES = "anabranch-sequence-pages";

  private final KeyedStateBackend<Object> backend;
  private final ValueState<SequenceHeader> header;
  private final MapState<Integer, byte[]> pages;

  /** Finds the states in a backend. */
  public SequenceStore(KeyedStateBackend<Object> backend) throws Exception {
    this.backend = backend;
    header = state(headers());
    pages = state(new MapStateDescriptor<>(PAGES, IntSerializer.INSTANCE, PageSerializer.INSTANCE));
  }

  private static ValueStateDescriptor<SequenceHeader> headers() {
    return new ValueStateDescriptor<>(HEADER, SequenceHeaderSerializer.INSTANCE);
  }

  private <S extends State> S state(StateDescriptor<S, ?> descriptor) throws Exception {
    return backend.getPartitionedState(
        VoidNamespace.INSTANCE, VoidNamespaceSerializer.INSTANCE, descriptor);
  }

  /** Makes a key current. */
  public void at(Object key) {
    backend.setCurrentKey(key);
  }

  /** Returns the header; null if there is none. */
  public @Nullable SequenceHeader header() throws Exception {
    return header.value();
  }

  /** Returns the pages as an image that a sequence can go on from. */
  public StateImage image(SequenceHeader of) throws Exception {
    Map<Integer, ByteBuffer> all = new HashMap<>();
    for (Map.Entry<Integer, byte[]> page : pages.entries()) {
      all.put(page.getKey(), ByteBuffer.wrap(page.getValue()));
    }
    return new StateImage(of.signature(), of.version(), true, all, Set.of());
  }

  /** Writes a header, and nothing else. */
  public void write(SequenceHeader next) throws Exception {
    header.update(next);
  }

  /**
   * Writes the pages of an image, which are copied; removes those it dropped.
   *
   * @param known what is known of the sequence, which says whether there are pages of it
   * @param changes since the image that was written before
   * @return the header that was written with them
   */
  public SequenceHeader write(SequenceHeader known, StateImage changes) throws Exception {
    SequenceHeader next = known.with(changes);
    header.update(next);
    if (changes.complete() && known.hasPages()) {
      pages.clear();
    }
    for (int dropped : changes.dropped()) {
      pages.remove(dropped);
    }
    Map<Integer, byte[]> copies = new HashMap<>();
    changes
        .pages()
        .forEach(
            (number, page) -> {
              byte[] copy = new byte[page.remaining()];
              page.duplicate().get(copy);
              copies.put(number, copy);
            });
    pages.putAll(copies);
    return next;
  }

  /** Removes everything of the key. */
  public void clear() throws Exception {
    header.clear();
    pages.clear();
  }

  /** Does something with one header that passes, if there is any; its key becomes current. */
  public void visitOne(
      Predicate<SequenceHeader> wanted, ThrowingConsumer<SequenceHeader, Exception> visitor)
      throws Exception {
    try (Stream<Object> keys = backend.getKeys(HEADER, VoidNamespace.INSTANCE)) {
      for (Object key : (Iterable<Object>) keys::iterator) {
        at(key);
        SequenceHeader found = header();
        if (found != null && wanted.test(found)) {
          visitor.accept(found);
          return;
        }
      }
    }
  }

  /** Does something with the header of each key, which becomes the current one. */
  public void visitAll(ThrowingConsumer<SequenceHeader, Exception> visitor) throws Exception {
    backend.applyToAllKeys(
        VoidNamespace.INSTANCE,
        VoidNamespaceSerializer.INSTANCE,
        headers(),
        (key, state) -> visitor.accept(state.value()));
  }
}
