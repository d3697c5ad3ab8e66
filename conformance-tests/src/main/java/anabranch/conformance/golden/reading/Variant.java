package anabranch.conformance.golden.reading;

import anabranch.conformance.golden.recorded.Inputs;
import anabranch.conformance.space.Rewrite;
import anabranch.error.DescriptionException;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Operation;
import anabranch.model.route.Capacity;
import anabranch.model.route.Router;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The capacities that a case was recorded with. A case {@code cap_<word>.<batch>} says which:
 * {@code default} is the model's own, {@code inf} has room for all, {@code one} for one row, {@code
 * half} and {@code quarter} for that share of the population.
 *
 * <p>Where the rows of a whole call compete, the original counts its padding among them; here the
 * rows are ragged, so the same number of rows becomes a fixed one, for the encoder's call and the
 * decoder's. Stateless.
 */
final class Variant {
  private static final Pattern WORD = Pattern.compile("cap_([a-z]+)(\\..*)?");

  private Variant() {}

  static ModelSpec of(ModelSpec spec, String name, Inputs inputs) {
    Matcher matcher = WORD.matcher(name);
    String word = matcher.matches() ? matcher.group(1) : "default";
    int rows = inputs.steps().get(inputs.steps().size() - 1).padded();
    ModelSpec changed = Rewrite.operations(spec, each -> changed(each, word, rows));
    if (spec.encoder() == null || inputs.memory() == null) {
      return changed;
    }
    int read = inputs.memory().padded();
    ModelSpec other = Rewrite.operations(spec, each -> changed(each, word, read));
    return other.encoder() == null ? changed : changed.withEncoder(other.encoder());
  }

  private static Operation changed(Operation operation, String word, int rows) {
    if (!(operation instanceof Mixture mixture)
        || !(mixture.router().capacity() instanceof Capacity.Limited limited)) {
      return operation;
    }
    Capacity.Size size = size(limited, mixture, word, rows);
    Capacity capacity = new Capacity.Limited(size, limited.population(), limited.priority());
    return mixture.with(mixture.expert(), mixture.router().with(capacity));
  }

  private static Capacity.Size size(
      Capacity.Limited limited, Mixture mixture, String word, int rows) {
    Router router = mixture.router();
    int choices = router.selection().most(mixture.members());
    return switch (word) {
      case "default" ->
          limited.population() == Capacity.Population.DISPATCH
              ? fixed(limited.size().of(rows, choices, mixture.members()))
              : limited.size();
      case "inf" -> fixed(Integer.MAX_VALUE);
      case "one" -> fixed(1);
      case "half" -> fixed(Math.ceil(0.5 * rows));
      case "quarter" -> fixed(Math.ceil(0.25 * rows));
      default ->
          throw new DescriptionException(
              "capacity \"" + word + "\" is not one of default, inf, one, half, quarter");
    };
  }

  private static Capacity.Size fixed(double rows) {
    return new Capacity.Size.Fixed((int) Math.max(1, rows));
  }
}
