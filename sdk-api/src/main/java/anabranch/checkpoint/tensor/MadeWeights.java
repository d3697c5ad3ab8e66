package anabranch.checkpoint.tensor;

import anabranch.model.ModelSpec;
import anabranch.model.layer.Parameter;
import anabranch.weights.Missing;
import anabranch.weights.Tensor;
import anabranch.weights.Weights;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Weights that are made of other tensors, each when it is asked for. Thread-safe; closing lets go
 * of the others.
 */
public final class MadeWeights implements Weights {
  private volatile @Nullable Map<String, Made> made;

  /** Creates weights of these names. */
  public MadeWeights(Map<String, Made> made) {
    this.made = Collections.unmodifiableMap(new LinkedHashMap<>(made));
  }

  @Override
  public Set<String> names() {
    return open().keySet();
  }

  @Override
  public Tensor tensor(String name) {
    Made found = open().get(name);
    if (found == null) {
      throw Missing.tensor(name, open().keySet());
    }
    return found.as(name);
  }

  /** Compares names and shapes; nothing is made for it. */
  @Override
  public void requireFit(ModelSpec spec) {
    Map<String, Made> open = open();
    boolean fits = spec.parameters().size() == open.size();
    for (Parameter parameter : spec.parameters()) {
      Made found = open.get(parameter.name());
      fits &= found != null && found.shape().equals(parameter.shape());
    }
    if (!fits) {
      Weights.super.requireFit(spec);
    }
  }

  @Override
  public void close() {
    made = null;
  }

  private Map<String, Made> open() {
    Map<String, Made> open = made;
    if (open == null) {
      throw new IllegalStateException("weights of a checkpoint are closed");
    }
    return open;
  }
}
