package anabranch.flink.update;

import java.lang.reflect.Type;
import java.util.Map;
import org.apache.flink.annotation.Internal;
import org.apache.flink.api.common.serialization.SerializerConfig;
import org.apache.flink.api.common.typeinfo.TypeInfoFactory;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.TypeSerializer;

/** Lets streams of updates be written without a general serializer. Any thread. */
@Internal
public final class ModelUpdateTypeInfo extends TypeInformation<ModelUpdate> {
  private static final long serialVersionUID = 1L;

  /** Called by Flink. */
  public static final class Factory extends TypeInfoFactory<ModelUpdate> {
    /** Called by Flink. */
    public Factory() {}

    @Override
    public TypeInformation<ModelUpdate> createTypeInfo(
        Type type, Map<String, TypeInformation<?>> parameters) {
      return new ModelUpdateTypeInfo();
    }
  }

  @Override
  public boolean isBasicType() {
    return false;
  }

  @Override
  public boolean isTupleType() {
    return false;
  }

  @Override
  public int getArity() {
    return 1;
  }

  @Override
  public int getTotalFields() {
    return 1;
  }

  @Override
  public Class<ModelUpdate> getTypeClass() {
    return ModelUpdate.class;
  }

  @Override
  public boolean isKeyType() {
    return false;
  }

  @Override
  public TypeSerializer<ModelUpdate> createSerializer(SerializerConfig config) {
    return ModelUpdateSerializer.INSTANCE;
  }

  @Override
  public String toString() {
    return "ModelUpdate";
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof ModelUpdateTypeInfo;
  }

  @Override
  public int hashCode() {
    return 1;
  }

  @Override
  public boolean canEqual(Object other) {
    return other instanceof ModelUpdateTypeInfo;
  }
}
