package anabranch.conformance.system.stored;

import anabranch.conformance.space.Case;
import anabranch.error.WeightsException;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Parameter;
import anabranch.weights.MemoryWeights;
import anabranch.weights.Tensor;
import anabranch.weights.Weights;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;

/** Weights that are made of what is stored, when they are asked for. Immutable. */
final class Made implements Weights {
  private final ModelSpec spec;
  private final Map<String, float[]> stored;
  private final Recipe recipe;

  /** Says how the tensors of a description are made. */
  interface Recipe {
    /**
     * Returns the numbers of a parameter, row-major; none for zeros.
     *
     * @param stored what is stored, by its name there
     */
    float[] of(Parameter parameter, Map<String, float[]> stored);
  }

  private Made(ModelSpec spec, Map<String, float[]> stored, Recipe recipe) {
    this.spec = spec;
    this.stored = stored;
    this.recipe = recipe;
  }

  /** Returns the weights of a description, of which nothing is stored yet. */
  static Made of(ModelSpec spec, Recipe recipe) {
    return new Made(spec, Map.of(), recipe);
  }

  /** Returns these weights with something stored, or stored otherwise. */
  Made with(String name, float... values) {
    Map<String, float[]> more = new LinkedHashMap<>(stored);
    more.put(name, values);
    return new Made(spec, more, recipe);
  }

  /** Returns these weights with something that is stored multiplied. */
  Made scaled(String name, float factor) {
    float[] values = stored.getOrDefault(name, new float[0]).clone();
    for (int i = 0; i < values.length; i++) {
      values[i] *= factor;
    }
    return with(name, values);
  }

  /** Returns what is stored, by its name there. */
  Map<String, float[]> stored() {
    return stored;
  }

  /** Returns one of the numbers that are stored. */
  float number(String name, int at) {
    return stored.getOrDefault(name, new float[0])[at];
  }

  /** Returns a case with these weights. */
  Case in(Case other) {
    return other.with(this);
  }

  /** Returns how many numbers are stored. */
  int numbers() {
    return stored.values().stream().mapToInt(values -> values.length).sum();
  }

  @Override
  public Set<String> names() {
    Set<String> names = new LinkedHashSet<>();
    spec.parameters().forEach(parameter -> names.add(parameter.name()));
    return names;
  }

  @Override
  public Tensor tensor(String name) {
    for (Parameter parameter : spec.parameters()) {
      if (parameter.name().equals(name)) {
        float[] values = recipe.of(parameter, stored);
        float[] all = values.length == 0 ? new float[(int) parameter.elements()] : values;
        return MemoryWeights.tensor(name, parameter.shape(), all);
      }
    }
    throw new WeightsException("tensor \"" + name + "\" is not there");
  }

  @Override
  public void close() {}
}
