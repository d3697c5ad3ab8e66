package anabranch.backend;

import anabranch.error.Unsupported;
import anabranch.model.ModelSpec;
import anabranch.model.facts.Dependence;
import java.io.Serializable;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * How a model is to be loaded: the limit that the caller sets, and settings for one backend.
 *
 * @param limit the greatest dependence the caller accepts; a model beyond it is refused
 * @param settings named settings that the backend understands, such as {@code "onnx.device"}; a
 *     backend refuses names with its own prefix that it does not know and ignores the others
 */
public record LoadOptions(Dependence limit, Map<String, String> settings) implements Serializable {
  /** Copies the settings. */
  public LoadOptions {
    settings = Map.copyOf(settings);
  }

  /** Returns the usual options: dependence up to {@code SEQUENCE}, no settings. */
  public static LoadOptions defaults() {
    return new LoadOptions(Dependence.SEQUENCE, Map.of());
  }

  /** Returns these options with another limit. */
  public LoadOptions withLimit(Dependence accepted) {
    return new LoadOptions(accepted, settings);
  }

  /** Returns these options with one setting added or replaced. */
  public LoadOptions with(String name, String value) {
    Map<String, String> more = new LinkedHashMap<>(settings);
    more.put(name, value);
    return new LoadOptions(limit, more);
  }

  /**
   * Returns what these options refuse about a description, on any backend; empty if nothing. A
   * backend's {@link Backend#check} starts from this list.
   */
  public List<Unsupported> refusals(ModelSpec spec) {
    Dependence dependence = Dependence.of(spec);
    if (dependence.compareTo(limit) <= 0) {
      return List.of();
    }
    return List.of(
        new Unsupported(
            "dependence", dependence + " is above the limit " + limit + " of the options"));
  }
}
