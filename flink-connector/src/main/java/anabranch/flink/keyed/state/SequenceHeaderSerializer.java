package anabranch.flink.keyed.state;

import anabranch.flink.step.FormatSnapshot;
import anabranch.flink.step.ImmutableSerializer;
import java.io.IOException;
import org.apache.flink.annotation.Internal;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/**
 * Writes headers, field by field behind a byte of flags: 1 for a number, 2 for a broken sequence, 4
 * for the version of a model, which stands at the end. The first format knew no versions, so that
 * its headers are read as they are. Any thread.
 */
@Internal
public final class SequenceHeaderSerializer extends ImmutableSerializer<SequenceHeader> {
  private static final long serialVersionUID = 1L;
  private static final int NUMBERED = 1;
  private static final int BROKEN = 2;
  private static final int MODEL = 4;
  private static final int FORMAT = 2;

  static final SequenceHeaderSerializer INSTANCE = new SequenceHeaderSerializer();

  private SequenceHeaderSerializer() {}

  /** Says in a checkpoint how headers were written. */
  public static final class Snapshot extends FormatSnapshot<SequenceHeader> {
    /** Called by Flink. */
    public Snapshot() {
      super("headers of sequences", FORMAT, INSTANCE);
    }
  }

  @Override
  public SequenceHeader createInstance() {
    return SequenceHeader.fresh("");
  }

  @Override
  public void serialize(SequenceHeader header, DataOutputView target) throws IOException {
    Long number = header.number();
    target.writeByte(
        (number == null ? 0 : NUMBERED)
            + (header.broken() ? BROKEN : 0)
            + (header.model().isEmpty() ? 0 : MODEL));
    target.writeUTF(header.signature());
    target.writeLong(header.version());
    target.writeInt(header.length());
    target.writeLong(header.events());
    if (number != null) {
      target.writeLong(number);
    }
    target.writeLong(header.touched());
    target.writeLong(header.wake());
    if (!header.model().isEmpty()) {
      target.writeUTF(header.model());
    }
  }

  @Override
  public SequenceHeader deserialize(DataInputView source) throws IOException {
    int flags = source.readByte();
    String signature = source.readUTF();
    long version = source.readLong();
    int length = source.readInt();
    long events = source.readLong();
    Long number = (flags & NUMBERED) == 0 ? null : Long.valueOf(source.readLong());
    long touched = source.readLong();
    long wake = source.readLong();
    boolean broken = (flags & BROKEN) != 0;
    String model = (flags & MODEL) == 0 ? "" : source.readUTF();
    return new SequenceHeader(
        model, signature, version, length, events, number, touched, wake, broken);
  }

  @Override
  public TypeSerializerSnapshot<SequenceHeader> snapshotConfiguration() {
    return new Snapshot();
  }
}
