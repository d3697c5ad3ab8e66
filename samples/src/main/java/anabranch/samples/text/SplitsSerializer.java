package anabranch.samples.text;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;

/** Writes the splits that no reader has yet. Stateless. */
final class SplitsSerializer implements SimpleVersionedSerializer<Collection<TextSplit>> {
  @Override
  public int getVersion() {
    return 1;
  }

  @Override
  public byte[] serialize(Collection<TextSplit> splits) throws IOException {
    DataOutputSerializer out = new DataOutputSerializer(64);
    out.writeInt(splits.size());
    for (TextSplit split : splits) {
      SplitSerializer.write(split, out);
    }
    return out.getCopyOfBuffer();
  }

  @Override
  public Collection<TextSplit> deserialize(int version, byte[] bytes) throws IOException {
    SplitSerializer.requireVersion(version);
    DataInputDeserializer in = new DataInputDeserializer(bytes);
    int count = in.readInt();
    List<TextSplit> splits = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      splits.add(SplitSerializer.read(in));
    }
    return splits;
  }
}
