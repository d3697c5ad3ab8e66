package anabranch.flink.keyed.state;

import java.io.IOException;
import java.util.Base64;
import java.util.function.Function;
import org.apache.flink.annotation.Internal;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.util.FlinkRuntimeException;

/**
 * Names sequences after their keys: the same name in every task and after every restart, as a model
 * may draw by it. Confined to the task's thread.
 */
@Internal
public final class KeyNames implements Function<Object, String> {
  private final TypeSerializer<Object> serializer;
  private final DataOutputSerializer bytes = new DataOutputSerializer(64);

  /** Creates names that use a serializer of keys. */
  public KeyNames(TypeSerializer<Object> serializer) {
    this.serializer = serializer;
  }

  /** Returns text and numbers as they are, other keys as their serialized bytes in Base64. */
  @Override
  public String apply(Object key) {
    if (key instanceof String || key instanceof Number || key instanceof Boolean) {
      return key.toString();
    }
    try {
      bytes.clear();
      serializer.serialize(key, bytes);
      return Base64.getEncoder().encodeToString(bytes.getCopyOfBuffer());
    } catch (IOException unfit) {
      throw new FlinkRuntimeException("a key cannot be serialized", unfit);
    }
  }
}
