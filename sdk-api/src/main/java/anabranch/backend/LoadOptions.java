package anabranch.backend;

import anabranch.error.Unsupported;
import anabranch.model.ModelSpec;
import anabranch.model.facts.Dependence;
import anabranch.model.facts.Requirements;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * How a model is to be loaded: the limit that the caller sets, and settings for one backend.
 *
 * @param limit the greatest dependence the caller accepts; a model beyond it is refused
 * @param accepted paths of routers that may read later rows of their event although the model would
 *     be causal without them, such as {@code "blocks.1.mixture"}; others are refused
 * @param settings named settings that the backend understands, such as {@code "onnx.device"}; a
 *     backend refuses names with its own prefix that it does not know and ignores the others
 */
public record LoadOptions(Dependence limit, Set<String> accepted, Map<String, String> settings)
    implements Serializable {
  /** Copies the set and the settings. */
  public LoadOptions {
    accepted = Set.copyOf(accepted);
    settings = Map.copyOf(settings);
  }

  /**
   * Returns the usual options: dependence up to {@code SEQUENCE}, nothing accepted, no settings.
   */
  public static LoadOptions defaults() {
    return new LoadOptions(Dependence.SEQUENCE, Set.of(), Map.of());
  }

  /** Returns these options with another limit. */
  public LoadOptions withLimit(Dependence most) {
    return new LoadOptions(most, accepted, settings);
  }

  /** Returns these options with routers accepted that read later rows, by their paths. */
  public LoadOptions accepting(String... paths) {
    Set<String> more = new TreeSet<>(accepted);
    more.addAll(List.of(paths));
    return new LoadOptions(limit, more, settings);
  }

  /** Returns these options with one setting added or replaced. */
  public LoadOptions with(String name, String value) {
    Map<String, String> more = new LinkedHashMap<>(settings);
    more.put(name, value);
    return new LoadOptions(limit, accepted, more);
  }

  /**
   * Returns what these options refuse about a description, on any backend; empty if nothing. A
   * backend's {@link Backend#check} starts from this list.
   */
  public List<Unsupported> refusals(ModelSpec spec) {
    List<Unsupported> refused = new ArrayList<>();
    Dependence dependence = Dependence.of(spec);
    if (dependence.compareTo(limit) > 0) {
      refused.add(
          new Unsupported(
              "dependence", dependence + " is above the limit " + limit + " of the options", "D3"));
    }
    for (String path : Requirements.of(spec).readsLaterRows()) {
      if (!accepted.contains(path)) {
        refused.add(
            new Unsupported(
                path,
                "reads later rows of its event in a causal model; accept it by this name",
                "D5"));
      }
    }
    return List.copyOf(refused);
  }

  /**
   * Returns what was accepted of a description, in words; a backend adds them to {@link
   * Numerics#notes}, which every answer carries.
   */
  public List<String> notes(ModelSpec spec) {
    List<String> notes = new ArrayList<>();
    if (Dependence.of(spec).compareTo(Dependence.SEQUENCE) > 0) {
      notes.add("accepted: results depend on the batch");
    }
    for (String path : Requirements.of(spec).readsLaterRows()) {
      if (accepted.contains(path)) {
        notes.add("accepted: " + path + " reads later rows of its event");
      }
    }
    return List.copyOf(notes);
  }
}
