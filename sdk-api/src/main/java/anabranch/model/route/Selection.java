package anabranch.model.route;

import anabranch.error.Bounds;
import org.jspecify.annotations.Nullable;

/** Step 4: which experts a row sees. */
public sealed interface Selection {
  /** Returns the most experts one row can see, of so many. */
  int most(int experts);

  /**
   * The k best by preference, best first; ties go to the lower index.
   *
   * @param k at least 1, at most the number of experts
   * @param secondary which choices after the first are kept; null for all
   */
  record TopK(int k, @Nullable Secondary secondary) implements Selection {
    /** Checks the bound. */
    public TopK {
      Bounds.atLeast("router.k", k, 1);
    }

    /** Creates a selection that keeps every choice. */
    public TopK(int k) {
      this(k, null);
    }

    @Override
    public int most(int experts) {
      return k;
    }
  }

  /**
   * Every expert whose preference compares with a bound, best first; perhaps none.
   *
   * @param bound any finite number
   * @param strict whether the preference must be above it; else at least
   */
  record Threshold(double bound, boolean strict) implements Selection {
    /** Checks the bound. */
    public Threshold {
      Bounds.require(
          Double.isFinite(bound), "router.threshold.bound " + bound + " is not a finite number");
    }

    /** Returns whether a preference is enough; never for NaN. */
    public boolean admits(double preference) {
      return strict ? preference > bound : preference >= bound;
    }

    @Override
    public int most(int experts) {
      return experts;
    }
  }

  /**
   * The first n experts, where n is the best of one choice more than there are experts: choice 0
   * runs none; ties go to the lower n (Wójcik et al., Adaptive Computation Modules).
   *
   * @param least a smaller n is raised to this, from 0 on
   */
  record Prefix(int least) implements Selection {
    /** Checks the bound. */
    public Prefix {
      Bounds.atLeast("router.prefix.least", least, 0);
    }

    @Override
    public int most(int experts) {
      return experts;
    }
  }

  /**
   * Each expert picks its best rows among the live rows of the event; ties go to the earlier row. A
   * row may be picked by any number of experts, also by none (Zhou et al., Expert Choice).
   *
   * @param rows how many each expert picks, of a population that all rows of the event make; all of
   *     them where there are fewer
   */
  record ExpertChoice(Capacity.Size rows) implements Selection {
    @Override
    public int most(int experts) {
      return experts;
    }
  }

  /**
   * Which choices after the first stay, judged by their gate before anything is dropped (Zoph et
   * al., ST-MoE).
   *
   * @param threshold a choice stays when its gate is above this; with a seed, with the probability
   *     {@code min(1, gate / threshold)}; above 0
   * @param seed makes the choice random: {@code (hash(seed, block, key, position, rank) >>> 11) *
   *     2^-53 < gate / threshold}; null for none
   */
  record Secondary(double threshold, @Nullable Long seed) {
    /** Checks the bound. */
    public Secondary {
      Bounds.positive("router.secondary.threshold", threshold);
    }
  }
}
