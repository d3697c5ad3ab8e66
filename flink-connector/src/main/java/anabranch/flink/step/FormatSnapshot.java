package anabranch.flink.step;

import java.io.IOException;
import org.apache.flink.annotation.Internal;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSchemaCompatibility;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/**
 * Says in a checkpoint in which version of its format a serializer wrote. Formats up to this
 * version are read as they are; a later one is refused. Confined to one thread.
 */
@Internal
public abstract class FormatSnapshot<T> implements TypeSerializerSnapshot<T> {
  private final String what;
  private final int format;
  private final TypeSerializer<T> serializer;

  /** Creates a snapshot of the first format. */
  protected FormatSnapshot(String what, TypeSerializer<T> serializer) {
    this(what, 1, serializer);
  }

  /**
   * Creates a snapshot.
   *
   * @param what names what is written, in errors
   * @param format in which the serializer writes; it reads all up to this
   */
  protected FormatSnapshot(String what, int format, TypeSerializer<T> serializer) {
    this.what = what;
    this.format = format;
    this.serializer = serializer;
  }

  @Override
  public final int getCurrentVersion() {
    return format;
  }

  @Override
  public final void writeSnapshot(DataOutputView out) {}

  @Override
  public final void readSnapshot(int version, DataInputView in, ClassLoader code)
      throws IOException {
    if (version < 1 || version > format) {
      throw new IOException(
          what
              + " in this state are of format "
              + version
              + ", this version of the connector reads formats 1 to "
              + format
              + ": use the version that wrote them, or a later one");
    }
  }

  @Override
  public final TypeSerializer<T> restoreSerializer() {
    return serializer;
  }

  @Override
  public final TypeSerializerSchemaCompatibility<T> resolveSchemaCompatibility(
      TypeSerializerSnapshot<T> old) {
    return old.getClass() == getClass()
        ? TypeSerializerSchemaCompatibility.compatibleAsIs()
        : TypeSerializerSchemaCompatibility.incompatible();
  }
}
