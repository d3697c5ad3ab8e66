package anabranch.samples.text;

import java.io.IOException;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;

/** Writes a split for checkpoints and for its way to a reader. Stateless. */
final class SplitSerializer implements SimpleVersionedSerializer<TextSplit> {
  @Override
  public int getVersion() {
    return 1;
  }

  @Override
  public byte[] serialize(TextSplit split) throws IOException {
    DataOutputSerializer out = new DataOutputSerializer(64);
    write(split, out);
    return out.getCopyOfBuffer();
  }

  @Override
  public TextSplit deserialize(int version, byte[] bytes) throws IOException {
    requireVersion(version);
    return read(new DataInputDeserializer(bytes));
  }

  static void write(TextSplit split, DataOutputSerializer out) throws IOException {
    out.writeUTF(split.source());
    out.writeLong(split.offset());
    out.writeLong(split.number());
    out.writeBoolean(split.midLine());
    out.writeLong(split.lastNumber());
  }

  static TextSplit read(DataInputDeserializer in) throws IOException {
    return new TextSplit(
        in.readUTF(), in.readLong(), in.readLong(), in.readBoolean(), in.readLong());
  }

  static void requireVersion(int version) throws IOException {
    if (version != 1) {
      throw new IOException("split version " + version + " is not 1");
    }
  }
}
