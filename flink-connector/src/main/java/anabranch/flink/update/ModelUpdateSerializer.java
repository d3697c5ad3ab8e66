package anabranch.flink.update;

import anabranch.engine.Policy;
import anabranch.flink.step.FormatSnapshot;
import anabranch.flink.step.ImmutableSerializer;
import java.io.IOException;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.annotation.Internal;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/**
 * Writes updates: a byte of flags, 1 for a version and 2 for a policy, then the version, then the
 * version of the policy and its thresholds by name. Any thread.
 */
@Internal
public final class ModelUpdateSerializer extends ImmutableSerializer<ModelUpdate> {
  private static final long serialVersionUID = 1L;
  private static final int VERSION = 1;
  private static final int POLICY = 2;

  static final ModelUpdateSerializer INSTANCE = new ModelUpdateSerializer();

  private ModelUpdateSerializer() {}

  /** Says in a checkpoint how updates were written. */
  public static final class Snapshot extends FormatSnapshot<ModelUpdate> {
    /** Called by Flink. */
    public Snapshot() {
      super("updates of models", INSTANCE);
    }
  }

  @Override
  public ModelUpdate createInstance() {
    return ModelUpdate.policy(Policy.fullDepth());
  }

  @Override
  public void serialize(ModelUpdate update, DataOutputView target) throws IOException {
    String version = update.version();
    Policy policy = update.policy();
    target.writeByte((version == null ? 0 : VERSION) + (policy == null ? 0 : POLICY));
    if (version != null) {
      target.writeUTF(version);
    }
    if (policy != null) {
      target.writeUTF(policy.version());
      target.writeInt(policy.thresholds().size());
      for (Map.Entry<String, Double> each : new TreeMap<>(policy.thresholds()).entrySet()) {
        target.writeUTF(each.getKey());
        target.writeDouble(each.getValue());
      }
    }
  }

  @Override
  public ModelUpdate deserialize(DataInputView source) throws IOException {
    int flags = source.readByte();
    String version = (flags & VERSION) == 0 ? null : source.readUTF();
    Policy policy = null;
    if ((flags & POLICY) != 0) {
      String name = source.readUTF();
      Map<String, Double> thresholds = new TreeMap<>();
      for (int n = source.readInt(); n > 0; n--) {
        thresholds.put(source.readUTF(), source.readDouble());
      }
      policy = new Policy(name, thresholds);
    }
    return new ModelUpdate(version, policy);
  }

  @Override
  public TypeSerializerSnapshot<ModelUpdate> snapshotConfiguration() {
    return new Snapshot();
  }
}
