package anabranch.conformance.reference;

import anabranch.backend.Backend;
import anabranch.backend.LoadOptions;
import anabranch.backend.LoadedModel;
import anabranch.conformance.reference.part.Parameters;
import anabranch.error.Unsupported;
import anabranch.error.UnsupportedModelException;
import anabranch.model.ModelSpec;
import anabranch.weights.Weights;
import java.util.ArrayList;
import java.util.List;

/**
 * Runs any description with the oracle's arithmetic, one row after the other: slow, exact, and an
 * example of how a backend is written. Stateless and thread-safe.
 *
 * <p>Its arithmetic is fp64; only what crosses the contract (scores, gates, logits) is rounded to
 * fp32. A row is computed alone, so that its bits do not depend on its companions, unless the
 * description lets items compete.
 */
public final class ReferenceBackend implements Backend {
  static final String NAME = "reference";

  /** Creates the backend; {@link java.util.ServiceLoader} does. */
  public ReferenceBackend() {}

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public List<Unsupported> check(ModelSpec spec, LoadOptions options) {
    List<Unsupported> refused = new ArrayList<>(options.refusals(spec));
    for (String setting : options.settings().keySet()) {
      if (setting.startsWith(NAME + ".")) {
        refused.add(new Unsupported(setting, "this backend has no settings"));
      }
    }
    return refused;
  }

  @Override
  public LoadedModel load(ModelSpec spec, Weights weights, LoadOptions options) {
    List<Unsupported> refused = check(spec, options);
    if (!refused.isEmpty()) {
      throw new UnsupportedModelException(name(), spec.name(), refused);
    }
    weights.requireFit(spec);
    return new ReferenceModel(spec, new Parameters(weights), options.notes(spec));
  }
}
