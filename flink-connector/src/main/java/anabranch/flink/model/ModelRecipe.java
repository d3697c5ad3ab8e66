package anabranch.flink.model;

import anabranch.backend.LoadOptions;
import anabranch.backend.LoadedModel;
import anabranch.engine.Backends;
import anabranch.engine.Engine;
import anabranch.engine.EngineListener;
import anabranch.engine.EngineOptions;
import anabranch.engine.Policy;
import anabranch.error.Bounds;
import anabranch.error.DescriptionException;
import anabranch.json.Descriptions;
import anabranch.model.ModelSpec;
import anabranch.model.facts.Dependence;
import anabranch.weights.Weights;
import java.io.IOException;
import java.io.Serializable;
import java.util.Arrays;
import org.apache.flink.annotation.PublicEvolving;
import org.apache.flink.util.InstantiationUtil;
import org.jspecify.annotations.Nullable;

/**
 * All that a task needs to load a model: a backend by name, a description, where the weights are,
 * and options. Immutable, serializable; any thread.
 *
 * <p>Only models up to dependence {@code SEQUENCE} can be written down here: a job must give the
 * same results whatever batches were formed.
 */
@PublicEvolving
public final class ModelRecipe implements Serializable {
  private static final long serialVersionUID = 1L;

  private final String version;
  private final String backend;
  private final String description;
  private final WeightsSource weights;
  private final LoadOptions load;
  private final Policy policy;
  private final EngineOptions engine;
  private transient @Nullable ModelSpec spec;
  private transient @Nullable Identity identity;

  private ModelRecipe(
      String version,
      String backend,
      ModelSpec spec,
      WeightsSource weights,
      LoadOptions load,
      Policy policy,
      EngineOptions engine) {
    Dependence dependence = Dependence.of(spec);
    Bounds.require(
        dependence.compareTo(Dependence.SEQUENCE) <= 0,
        "recipe.spec dependence " + dependence + " is above " + Dependence.SEQUENCE);
    Bounds.require(
        load.limit().compareTo(Dependence.SEQUENCE) <= 0,
        "recipe.load.limit " + load.limit() + " is above " + Dependence.SEQUENCE);
    policy.checkAgainst(spec);
    this.version = version;
    this.backend = backend;
    this.spec = spec;
    this.description = Descriptions.text(spec);
    this.weights = weights;
    this.load = load;
    this.policy = policy;
    this.engine = engine;
  }

  /**
   * Returns a recipe with the usual options, under which every unit runs to full depth.
   *
   * @param backend the name of a backend that is on the class path of the tasks
   * @throws DescriptionException if answers would depend on the batch, or the source of the weights
   *     cannot be serialized
   */
  public static ModelRecipe of(String backend, ModelSpec spec, WeightsSource weights) {
    ModelRecipe recipe =
        new ModelRecipe(
            spec.name(),
            backend,
            spec,
            weights,
            LoadOptions.defaults(),
            Policy.fullDepth(),
            EngineOptions.defaults());
    recipe.identity();
    return recipe;
  }

  /**
   * Returns this recipe with other load options.
   *
   * @throws DescriptionException if their limit is above {@code SEQUENCE}
   */
  public ModelRecipe withLoadOptions(LoadOptions options) {
    return new ModelRecipe(version, backend, spec(), weights, options, policy, engine);
  }

  /**
   * Returns this recipe with another policy.
   *
   * @throws DescriptionException if it names an exit the model lacks
   */
  public ModelRecipe withPolicy(Policy other) {
    return new ModelRecipe(version, backend, spec(), weights, load, other, engine);
  }

  /** Returns this recipe with other engine options. */
  public ModelRecipe withEngineOptions(EngineOptions options) {
    return new ModelRecipe(version, backend, spec(), weights, load, policy, options);
  }

  /** Returns this recipe under another version, which names the model in answers and metrics. */
  public ModelRecipe withVersion(String name) {
    Bounds.name("recipe.version", name);
    return new ModelRecipe(name, backend, spec(), weights, load, policy, engine);
  }

  /** Returns what names the model in answers: the name in its description, unless it was told. */
  public String version() {
    return version;
  }

  /** Returns the description. */
  public ModelSpec spec() {
    ModelSpec known = spec;
    if (known == null) {
      known = Descriptions.model(description);
      spec = known;
    }
    return known;
  }

  Engine open(EngineListener listener) throws IOException {
    LoadedModel model;
    try (Weights opened = weights.open(spec())) {
      model = Backends.named(backend).load(spec(), opened, load);
    }
    try {
      return Engine.open(version, model, policy, engine, listener);
    } catch (RuntimeException refused) {
      model.close();
      throw refused;
    }
  }

  /** Returns what two recipes have in common exactly when they may share an engine. */
  Identity identity() {
    Identity known = identity;
    if (known == null) {
      known =
          new Identity(
              version,
              backend,
              description,
              new Source(weights.getClass().getClassLoader(), bytes(weights)),
              load,
              policy,
              engine);
      identity = known;
    }
    return known;
  }

  private static byte[] bytes(WeightsSource weights) {
    try {
      return InstantiationUtil.serializeObject(weights);
    } catch (IOException unfit) {
      throw new DescriptionException(
          "recipe.weights " + weights.getClass().getName() + " is not serializable: " + unfit,
          unfit);
    }
  }

  @Override
  public String toString() {
    return "model \"" + version + "\" on backend \"" + backend + "\"";
  }

  record Identity(
      String version,
      String backend,
      String description,
      Source weights,
      LoadOptions load,
      Policy policy,
      EngineOptions engine) {}

  /** A source of weights by its contents; code of another class loader is another source. */
  static final class Source {
    private final @Nullable ClassLoader code;
    private final byte[] bytes;

    Source(@Nullable ClassLoader code, byte[] bytes) {
      this.code = code;
      this.bytes = bytes;
    }

    @Override
    public boolean equals(@Nullable Object other) {
      return other instanceof Source that && code == that.code && Arrays.equals(bytes, that.bytes);
    }

    @Override
    public int hashCode() {
      return Arrays.hashCode(bytes);
    }
  }
}
