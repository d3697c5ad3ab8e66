package anabranch.checkpoint.formula;

import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A parsed formula over fields of a configuration. Immutable. */
public interface Expression {
  /**
   * Returns its value.
   *
   * @throws anabranch.error.DescriptionException naming what is missing or of another kind
   */
  @Nullable Object in(Names scope);

  /** Returns its value, or null where a field in it is missing. */
  default @Nullable Object orNull(Names scope) {
    return in(scope);
  }

  /** Adds the fields it reads, with members such as {@code rope_scaling.factor}. */
  void names(Set<String> into);
}
