package anabranch.flink.keyed.state;

import anabranch.flink.step.FormatSnapshot;
import java.io.IOException;
import org.apache.flink.annotation.Internal;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.base.TypeSerializerSingleton;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/**
 * Writes pages of model state: their length and their bytes. Any thread.
 *
 * <p>Nobody changes an array that became a page, so pages are passed on and not copied: a snapshot
 * that is still being written holds the very arrays.
 */
@Internal
public final class PageSerializer extends TypeSerializerSingleton<byte[]> {
  private static final long serialVersionUID = 1L;

  static final PageSerializer INSTANCE = new PageSerializer();

  private PageSerializer() {}

  /** Says in a checkpoint how pages were written. */
  public static final class Snapshot extends FormatSnapshot<byte[]> {
    /** Called by Flink. */
    public Snapshot() {
      super("pages of model state", INSTANCE);
    }
  }

  @Override
  public boolean isImmutableType() {
    return true;
  }

  @Override
  public byte[] createInstance() {
    return new byte[0];
  }

  @Override
  public byte[] copy(byte[] from) {
    return from;
  }

  @Override
  public byte[] copy(byte[] from, byte[] reuse) {
    return from;
  }

  @Override
  public int getLength() {
    return -1;
  }

  @Override
  public void serialize(byte[] page, DataOutputView target) throws IOException {
    target.writeInt(page.length);
    target.write(page);
  }

  @Override
  public byte[] deserialize(DataInputView source) throws IOException {
    byte[] page = new byte[source.readInt()];
    source.readFully(page);
    return page;
  }

  @Override
  public byte[] deserialize(byte[] reuse, DataInputView source) throws IOException {
    return deserialize(source);
  }

  @Override
  public void copy(DataInputView source, DataOutputView target) throws IOException {
    serialize(deserialize(source), target);
  }

  @Override
  public TypeSerializerSnapshot<byte[]> snapshotConfiguration() {
    return new Snapshot();
  }
}
