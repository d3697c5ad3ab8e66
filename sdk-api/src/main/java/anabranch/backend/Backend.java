package anabranch.backend;

import anabranch.error.Unsupported;
import anabranch.model.ModelSpec;
import anabranch.weights.Weights;
import java.util.List;

/**
 * Runs described models. Found by {@link java.util.ServiceLoader}; stateless and thread-safe.
 *
 * <p>Deliberately small: a backend neither cuts a plan into stages nor knows thresholds, queues or
 * policies.
 */
public interface Backend {
  /** Returns the name that selects this backend, such as {@code "onnx"}. */
  String name();

  /**
   * Returns what this backend cannot do with the description and options, here and now; empty
   * exactly when {@link #load} would accept them with matching weights.
   */
  List<Unsupported> check(ModelSpec spec, LoadOptions options);

  /**
   * Binds weights to a description. Slow: load once, then share the model between threads. The
   * weights must stay open until this call returns and may be closed afterwards.
   *
   * @throws anabranch.error.UnsupportedModelException if {@link #check} is not empty
   * @throws anabranch.error.WeightsException if {@link Weights#requireFit} fails
   */
  LoadedModel load(ModelSpec spec, Weights weights, LoadOptions options);
}
