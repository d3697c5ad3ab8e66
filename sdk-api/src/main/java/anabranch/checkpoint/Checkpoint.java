package anabranch.checkpoint;

import anabranch.checkpoint.formula.Json;
import anabranch.checkpoint.tensor.MadeWeights;
import anabranch.error.DescriptionException;
import anabranch.error.WeightsException;
import anabranch.json.Descriptions;
import anabranch.model.ModelSpec;
import anabranch.weights.Weights;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * A published checkpoint, read: a folder of {@code config.json} and {@code model.safetensors}, or
 * {@code model.safetensors.index.json} and the files it names.
 *
 * <p>Nothing is guessed: a field that the family does not know, a value it cannot say and a tensor
 * without a place are refused. Tensors that are stored as the model needs them are parts of the
 * mapped files; others are put in order each time they are asked for.
 *
 * <p>Thread-safe. The files must stay as they are while it is in use. Closing twice is harmless;
 * the weights of a closed checkpoint must not be used.
 */
public final class Checkpoint implements AutoCloseable {
  private static final String CONFIG = "config.json";

  private final String family;
  private final ModelSpec spec;
  private final Weights weights;
  private final Shards shards;

  private Checkpoint(String family, ModelSpec spec, Weights weights, Shards shards) {
    this.family = family;
    this.spec = spec;
    this.weights = weights;
    this.shards = shards;
  }

  /** Opens a checkpoint of a family that its configuration names. */
  public static Checkpoint open(Path folder) {
    return open(folder, CheckpointOptions.defaults());
  }

  /**
   * Opens a checkpoint.
   *
   * @throws DescriptionException if the options or the configuration are refused, naming the file,
   *     the field, its value and the bound
   * @throws WeightsException if the tensors are refused, naming the file, the tensor and the bound
   */
  public static Checkpoint open(Path folder, CheckpointOptions options) {
    Path file = folder.resolve(CONFIG);
    Map<String, @Nullable Object> config = Json.read(file, Json.MOST_CONFIG);
    Family family;
    Scope scope;
    try {
      family = family(config, options);
      scope = new Scope(family, config, settings(family, options));
      Fields.check(family, config, scope);
    } catch (DescriptionException refused) {
      throw new DescriptionException(file + ": " + refused.getMessage(), refused);
    }
    Shards shards = Shards.open(folder);
    try {
      scope.store(shards.tensors().keySet());
      ModelSpec spec = spec(family, scope);
      Weights weights = new MadeWeights(Mapping.of(family, scope, spec, shards.tensors()));
      return new Checkpoint(family.name(), spec, weights, shards);
    } catch (DescriptionException refused) {
      shards.close();
      throw new DescriptionException(file + ": " + refused.getMessage(), refused);
    } catch (WeightsException unfit) {
      shards.close();
      throw new WeightsException(folder + ": " + unfit.getMessage(), unfit);
    } catch (RuntimeException | Error failed) {
      shards.close();
      throw failed;
    }
  }

  /** Returns the name of the family it was read as. */
  public String family() {
    return family;
  }

  /** Returns the description. */
  public ModelSpec spec() {
    return spec;
  }

  /** Returns the weights, under the names of the description's parameters. */
  public Weights weights() {
    return weights;
  }

  @Override
  public void close() {
    weights.close();
    shards.close();
  }

  private static Family family(Map<String, @Nullable Object> config, CheckpointOptions options) {
    String name = options.family();
    if (name != null) {
      if (!Family.all().contains(name)) {
        throw new DescriptionException(
            "family \"" + name + "\" is not one of " + new TreeSet<>(Family.all()));
      }
      return Family.of(name);
    }
    List<Family> found = new ArrayList<>();
    TreeSet<String> types = new TreeSet<>();
    for (String each : Family.all()) {
      Family family = Family.of(each);
      types.addAll(family.modelTypes());
      if (knows(family, config)) {
        found.add(family);
      }
    }
    if (found.size() == 1) {
      return found.get(0);
    }
    Object type = config.get("model_type");
    if (type == null) {
      throw new DescriptionException(
          "field \"model_type\" is missing, so the options must name a family of "
              + new TreeSet<>(Family.all()));
    } else if (!(type instanceof String word) || !types.contains(word)) {
      throw new DescriptionException(
          "field \"model_type\" " + Json.shown(type) + " is not one of " + types);
    }
    throw new DescriptionException(
        "fields \"model_type\" "
            + Json.shown(type)
            + " and \"architectures\" "
            + Json.shown(config.get("architectures"))
            + " are those of "
            + (found.isEmpty() ? "no family" : found.stream().map(Family::name).toList()));
  }

  private static boolean knows(Family family, Map<String, @Nullable Object> config) {
    Object type = config.get("model_type");
    String when = family.when();
    boolean typed = !family.modelTypes().isEmpty();
    if (typed
        ? !family.modelTypes().contains(String.valueOf(type))
        : type != null || when == null) {
      return false;
    }
    return when == null || new Scope(family, config, Map.of()).holds(when);
  }

  private static Map<String, Object> settings(Family family, CheckpointOptions options) {
    Map<String, String> left = new LinkedHashMap<>(options.settings());
    Map<String, Object> settings = new HashMap<>();
    for (String name : family.settings().keySet()) {
      List<String> values = family.values(name);
      String value = left.remove(name);
      if (value != null && !values.contains(value)) {
        throw new DescriptionException(
            "setting \"" + name + "\" \"" + value + "\" is not one of " + values);
      }
      settings.put("$" + name, value == null ? values.get(0) : value);
    }
    for (String name : left.keySet()) {
      throw new DescriptionException(
          "setting \""
              + name
              + "\" is not one of those of the family \""
              + family.name()
              + "\": "
              + family.settings().keySet());
    }
    return settings;
  }

  private static ModelSpec spec(Family family, Scope scope) {
    Map<String, @Nullable Object> document = new LinkedHashMap<>();
    document.put("version", Descriptions.VERSION);
    document.put("model", Template.at("model", family.model(), scope));
    try {
      return Descriptions.model(Json.text(document));
    } catch (DescriptionException refused) {
      String message = String.valueOf(refused.getMessage());
      String madeOf = scope.madeOf(message.split("[ :]", 2)[0]);
      throw new DescriptionException(
          message + (madeOf.isEmpty() ? "" : " (made of " + madeOf + ")"), refused);
    }
  }
}
