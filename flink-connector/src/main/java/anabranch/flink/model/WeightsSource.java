package anabranch.flink.model;

import anabranch.model.ModelSpec;
import anabranch.weights.Weights;
import java.io.IOException;
import java.io.Serializable;
import org.apache.flink.annotation.PublicEvolving;

/**
 * Opens weights where a task runs. Travels with the job, so it holds a path or a seed and never the
 * weights.
 *
 * <p>Two sources of the same class that serialize to the same bytes count as the same weights: what
 * a source refers to must not change while a job runs.
 */
@PublicEvolving
@FunctionalInterface
public interface WeightsSource extends Serializable {
  /**
   * Returns the weights for a description; they are closed by whoever asked.
   *
   * @throws IOException if they cannot be read
   */
  Weights open(ModelSpec spec) throws IOException;
}
