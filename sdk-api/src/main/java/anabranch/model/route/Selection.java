package anabranch.model.route;

import anabranch.error.Bounds;

/** Step 4: which experts a row sees. */
public sealed interface Selection {
  /** Returns how many experts each row sees. */
  int k();

  /**
   * The k best by preference, best first; ties go to the lower index.
   *
   * @param k at least 1, at most the number of experts
   */
  record TopK(int k) implements Selection {
    /** Checks the bound. */
    public TopK {
      Bounds.atLeast("router.k", k, 1);
    }
  }
}
