package anabranch.flink.update;

import anabranch.engine.Policy;
import anabranch.error.Bounds;
import java.io.Serializable;
import org.apache.flink.annotation.PublicEvolving;
import org.apache.flink.api.common.typeinfo.TypeInfo;
import org.jspecify.annotations.Nullable;

/**
 * Says which model is to answer records, or under which policy, from the next checkpoint barrier
 * on. Going back is to send what was there before. Immutable; any thread.
 *
 * @param version of the model; null to keep the one that is there
 * @param policy thresholds; null to keep those that are there, or to follow the recipe of another
 *     model
 */
@PublicEvolving
@TypeInfo(ModelUpdateTypeInfo.Factory.class)
public record ModelUpdate(@Nullable String version, @Nullable Policy policy)
    implements Serializable {
  /** Checks that something is said. */
  public ModelUpdate {
    Bounds.require(
        version != null || policy != null, "update.version and update.policy are both missing");
    if (version != null) {
      Bounds.name("update.version", version);
    }
  }

  /** Returns an update to another model, under the policy of its recipe. */
  public static ModelUpdate model(String version) {
    return new ModelUpdate(version, null);
  }

  /** Returns an update to another policy for the model that is there. */
  public static ModelUpdate policy(Policy policy) {
    return new ModelUpdate(null, policy);
  }

  /** Returns this update with a policy. */
  public ModelUpdate withPolicy(Policy other) {
    return new ModelUpdate(version, other);
  }

  /** Returns what this and a later update say together. */
  ModelUpdate then(ModelUpdate later) {
    if (later.version != null) {
      return later;
    }
    return new ModelUpdate(version, later.policy);
  }
}
