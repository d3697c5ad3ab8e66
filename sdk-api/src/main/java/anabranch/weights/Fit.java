package anabranch.weights;

import anabranch.error.Bounds;
import anabranch.error.WeightsException;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Parameter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/** Compares the tensors that are there with those that a description needs. */
final class Fit {
  private static final int NAMED = 5;

  private Fit() {}

  static void require(ModelSpec spec, Weights weights) {
    Map<String, Parameter> needed = new HashMap<>();
    spec.parameters().forEach(parameter -> needed.put(parameter.name(), parameter));
    List<String> missing = new ArrayList<>();
    List<String> misshapen = new ArrayList<>();
    for (Parameter parameter : spec.parameters()) {
      if (!weights.names().contains(parameter.name())) {
        missing.add("\"" + parameter.name() + "\" " + parameter.shape());
        continue;
      }
      List<Integer> shape = weights.tensor(parameter.name()).shape();
      if (!shape.equals(parameter.shape())) {
        misshapen.add("\"" + parameter.name() + "\" " + shape + " instead of " + parameter.shape());
      }
    }
    List<String> surplus = new ArrayList<>();
    for (String name : new TreeSet<>(weights.names())) {
      if (!needed.containsKey(name)) {
        surplus.add("\"" + name + "\"");
      }
    }
    List<String> problems = new ArrayList<>();
    add(problems, "missing", missing);
    add(problems, "of another shape", misshapen);
    add(problems, "without a place in the description", surplus);
    if (!problems.isEmpty()) {
      throw new WeightsException(
          Bounds.ruled(
              "weights do not fit model \"" + spec.name() + "\": " + String.join("; ", problems),
              "E2"));
    }
  }

  private static void add(List<String> problems, String what, List<String> tensors) {
    if (tensors.isEmpty()) {
      return;
    }
    int rest = tensors.size() - NAMED;
    problems.add(
        tensors.size()
            + " "
            + what
            + ": "
            + String.join(", ", tensors.subList(0, Math.min(NAMED, tensors.size())))
            + (rest > 0 ? " and " + rest + " more" : ""));
  }
}
