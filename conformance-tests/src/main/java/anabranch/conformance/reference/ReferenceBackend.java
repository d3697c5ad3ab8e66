package anabranch.conformance.reference;

import anabranch.backend.Backend;
import anabranch.backend.LoadOptions;
import anabranch.backend.LoadedModel;
import anabranch.backend.Numerics;
import anabranch.backend.Rows;
import anabranch.backend.SequenceState;
import anabranch.backend.Stage;
import anabranch.conformance.reference.AttentionPart.Shown;
import anabranch.error.Unsupported;
import anabranch.error.UnsupportedModelException;
import anabranch.model.ModelSpec;
import anabranch.model.facts.Cut;
import anabranch.model.facts.StageSpec;
import anabranch.weights.Weights;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Runs any description with the oracle's arithmetic, one row after the other: slow, exact, and an
 * example of how a backend is written. Stateless and thread-safe.
 *
 * <p>Its arithmetic is fp64; only what crosses the contract (scores, gates, logits) is rounded to
 * fp32. A row is computed alone, so that its bits do not depend on its companions.
 */
public final class ReferenceBackend implements Backend {
  private static final String SETTINGS = "reference.";

  /** Creates the backend; {@link java.util.ServiceLoader} does. */
  public ReferenceBackend() {}

  @Override
  public String name() {
    return "reference";
  }

  @Override
  public List<Unsupported> check(ModelSpec spec, LoadOptions options) {
    List<Unsupported> refused = new ArrayList<>(options.refusals(spec));
    for (String setting : options.settings().keySet()) {
      if (setting.startsWith(SETTINGS)) {
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
    return new Model(spec, new Parameters(weights));
  }

  /** Weights bound to a description. */
  static final class Model implements LoadedModel {
    private final ModelSpec spec;
    private final List<Stage> stages = new ArrayList<>();
    private volatile boolean closed;

    Model(ModelSpec spec, Parameters parameters) {
      this.spec = spec;
      for (StageSpec stage : Cut.of(spec)) {
        stages.add(new ReferenceStage(this, stage, parameters));
      }
    }

    @Override
    public ModelSpec spec() {
      return spec;
    }

    @Override
    public Numerics numerics() {
      return new Numerics(
          Numerics.Kind.BITWISE_BATCH_INVARIANT, 1e-6, 1e-6, "cpu", "fp64", List.of());
    }

    @Override
    public List<Stage> stages() {
      return List.copyOf(stages);
    }

    @Override
    public SequenceState newState(@Nullable Rows memory) {
      requireOpen();
      if (memory != null) {
        throw new IllegalArgumentException("no description has memory rows yet");
      }
      return new State();
    }

    void requireOpen() {
      if (closed) {
        throw new IllegalStateException("model \"" + spec.name() + "\" is closed");
      }
    }

    @Override
    public void close() {
      closed = true;
    }
  }

  /**
   * What one sequence keeps: its token ids, and for each slot and attention what its rows show to
   * later ones, all by position. Written only by {@link #publish}, so that a call that throws
   * leaves no trace; writing a position again replaces it.
   */
  static final class State implements SequenceState {
    private final Map<Integer, Integer> tokens = new HashMap<>();
    private final Map<String, Map<Integer, Shown>> shown = new HashMap<>();
    private boolean closed;

    /** What a call will add once it has succeeded. */
    static final class Draft {
      final Map<Integer, Integer> tokens = new HashMap<>();
      final Map<String, Map<Integer, Shown>> shown = new HashMap<>();
    }

    int token(int position) {
      Integer token = tokens.get(position);
      if (token == null) {
        throw new IllegalStateException("no row has been at position " + position);
      }
      return token;
    }

    Map<Integer, Shown> shown(String key) {
      return shown.getOrDefault(key, Map.of());
    }

    void publish(Draft draft) {
      tokens.putAll(draft.tokens);
      draft.shown.forEach(
          (key, rows) -> shown.computeIfAbsent(key, k -> new HashMap<>()).putAll(rows));
    }

    void requireOpen() {
      if (closed) {
        throw new IllegalStateException("the state is closed");
      }
    }

    @Override
    public long bytes() {
      long bytes = 4L * tokens.size();
      for (Map<Integer, Shown> rows : shown.values()) {
        for (Shown row : rows.values()) {
          bytes += 8L * (row.key().length + row.value().length);
        }
      }
      return bytes;
    }

    @Override
    public void close() {
      closed = true;
      tokens.clear();
      shown.clear();
    }
  }
}
