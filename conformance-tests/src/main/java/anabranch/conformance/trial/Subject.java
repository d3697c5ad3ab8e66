package anabranch.conformance.trial;

import anabranch.backend.Backend;
import anabranch.backend.LoadOptions;
import anabranch.backend.Numerics;
import anabranch.weights.Weights;
import java.util.Set;

/** What a backend author says of the backend under test. */
public interface Subject {
  /** Returns the backend under test. */
  Backend backend();

  /** Returns the options every model is loaded with. */
  default LoadOptions options() {
    return LoadOptions.defaults();
  }

  /** Returns how far numbers may be from exact; by default what the loaded model declares. */
  default Tolerance tolerance(Numerics numerics) {
    return new Tolerance(numerics.absolute(), numerics.relative());
  }

  /**
   * Returns weights that differ from given ones by as little as the backend's numbers can say,
   * which shows how far its rounding may carry (rule D9); by default {@link Rounding} of the type
   * that the loaded model declares.
   *
   * @param seed draws the direction of each
   * @throws IllegalArgumentException if nothing is known of numbers of this type
   */
  default Weights moved(Weights weights, Numerics numerics, long seed) {
    return Rounding.of(numerics).moved(weights, seed);
  }

  /**
   * Returns the fields that the backend's {@code check} may refuse: cases that need them are left
   * out. Empty by default, so that every refusal is a failure.
   */
  default Set<String> limits() {
    return Set.of();
  }

  /** Returns how many random models each test draws. */
  default int cases() {
    return 24;
  }
}
