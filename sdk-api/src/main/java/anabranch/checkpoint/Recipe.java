package anabranch.checkpoint;

import anabranch.checkpoint.formula.Terms;
import anabranch.checkpoint.tensor.Made;
import anabranch.checkpoint.tensor.View;
import anabranch.error.WeightsException;
import anabranch.weights.Missing;
import anabranch.weights.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Says what a parameter is made of, in the words of the family's file. Confined to one thread. */
final class Recipe {
  private static final Pattern TERM =
      Pattern.compile("([^\\[\\]]+?)(?:\\[([^\\[\\]]*)\\])?(\\.T)?");
  private static final Pattern INSIDE = Pattern.compile("\\{([^{}]+)\\}");

  private final Map<String, Tensor> tensors;
  private final Set<String> used;

  /**
   * Creates a maker.
   *
   * @param used takes the names of the tensors that were used
   */
  Recipe(Map<String, Tensor> tensors, Set<String> used) {
    this.tensors = tensors;
    this.used = used;
  }

  /**
   * Returns what a text says.
   *
   * @param shape the extents of the parameter, for what is made up
   * @throws WeightsException naming the published tensor that is missing or does not fit
   */
  Made made(String text, List<Integer> shape, Scope scope) {
    if (text.startsWith("@")) {
      return madeUp(text, shape, scope);
    }
    List<View> views = new ArrayList<>();
    for (String term : text.split(" \\+ (?![^\\[]*\\])")) {
      views.add(view(term, scope));
    }
    return new Made.Sum(views);
  }

  /** Returns a name with the values of the formulas in it. */
  static String name(String pattern, Scope scope) {
    Matcher inside = INSIDE.matcher(pattern);
    return inside.replaceAll(
        found -> Matcher.quoteReplacement(String.valueOf(scope.formula(found.group(1)))));
  }

  private View view(String term, Scope scope) {
    Matcher parts = TERM.matcher(term.strip());
    if (!parts.matches()) {
      throw new IllegalStateException("\"" + term + "\" is no tensor");
    }
    String name = name(parts.group(1), scope);
    Tensor tensor = tensors.get(name);
    if (tensor == null) {
      throw Missing.tensor(name, tensors.keySet());
    }
    used.add(name);
    View view = View.of(tensor);
    try {
      if (parts.group(2) != null) {
        view = view.slice(slices(parts.group(2), scope));
      }
      return parts.group(3) == null ? view : view.transposed();
    } catch (IllegalArgumentException unfit) {
      throw new WeightsException("tensor \"" + name + "\": " + unfit.getMessage(), unfit);
    }
  }

  private static List<View.Slice> slices(String text, Scope scope) {
    List<View.Slice> slices = new ArrayList<>();
    for (String each : text.split(",")) {
      String[] bounds = each.split(":", -1);
      int from = bounds[0].isBlank() ? 0 : scope.count(bounds[0]);
      if (bounds.length == 1) {
        slices.add(new View.Slice(from, null, 0));
      } else {
        Integer to = bounds[1].isBlank() ? null : (Integer) scope.count(bounds[1]);
        int step = bounds.length == 2 || bounds[2].isBlank() ? 1 : scope.count(bounds[2]);
        slices.add(new View.Slice(from, to, step));
      }
    }
    return slices;
  }

  private static Made madeUp(String text, List<Integer> shape, Scope scope) {
    int bracket = text.indexOf('[');
    String kind = bracket < 0 ? text : text.substring(0, bracket);
    String inside = bracket < 0 ? "" : text.substring(bracket + 1, text.length() - 1);
    String[] values = inside.split(",");
    switch (kind) {
      case "@zeros":
        return new Made.Fill(shape, 0);
      case "@ones":
        return new Made.Fill(shape, 1);
      case "@diagonals":
        List<Float> numbers = new ArrayList<>();
        for (String value : values) {
          numbers.add((float) Terms.whole(value, scope.formula(value)));
        }
        return new Made.Diagonals(shape, numbers);
      case "@randrange":
        int bound = scope.count(values[1]);
        if (bound < 1) {
          throw Terms.wrong(values[1], bound, "at least 1");
        }
        return new Made.Draws(shape, scope.count(values[0]), bound);
      default:
        throw new IllegalStateException("\"" + text + "\" is no tensor");
    }
  }
}
