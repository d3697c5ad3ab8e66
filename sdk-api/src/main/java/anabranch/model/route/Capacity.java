package anabranch.model.route;

import anabranch.error.Bounds;
import org.jspecify.annotations.Nullable;

/** Step 6: how many rows an expert accepts; what it does not accept is dropped. */
public sealed interface Capacity {
  /** As many as come: no row is ever dropped, and no row depends on its companions. */
  record Unlimited() implements Capacity {}

  /**
   * The first few by priority. A dropped choice adds nothing, so that a row whose choices are all
   * dropped keeps its residual.
   *
   * @param size how many an expert accepts
   * @param population which rows compete; frozen rows never do
   * @param priority who comes first
   */
  record Limited(Size size, Population population, Priority priority) implements Capacity {}

  /** Which rows compete for an expert. */
  enum Population {
    /** All rows of the item, which must come as one event. */
    ITEM,
    /** The rows of the item's present event. */
    STEP,
    /** All rows of the call, whoever they belong to: results depend on the batch. */
    DISPATCH
  }

  /** Who comes first. */
  enum Priority {
    /** By item and position, the choices of a row together (Switch Transformer). */
    POSITION,
    /** The first choices of all rows, then the second ones, each by position (GShard). */
    RANK_THEN_POSITION,
    /** The greatest gate first; ties by position, then rank (batch prioritised routing). */
    GATE
  }

  /** A number of rows, from the size of a population. */
  sealed interface Size {
    /**
     * Returns the number of rows an expert takes.
     *
     * @param population how many rows there are
     * @param choices how many experts each row sees; 1 where experts choose
     * @param experts how many experts there are
     */
    int of(int population, int choices, int experts);

    /**
     * Always the same.
     *
     * @param rows at least 1
     */
    record Fixed(int rows) implements Size {
      /** Checks the bound. */
      public Fixed {
        Bounds.atLeast("router.capacity.rows", rows, 1);
      }

      @Override
      public int of(int population, int choices, int experts) {
        return Math.min(rows, population);
      }
    }

    /**
     * {@code max(least, round(factor * choices * population / experts) - less)}, at most the
     * population.
     *
     * @param factor above 0
     * @param least at least 0
     * @param rounding of the quotient
     * @param less in 0..2^20; null for 0
     */
    record Share(double factor, int least, Rounding rounding, @Nullable Integer less)
        implements Size {
      /** Checks the bounds. */
      public Share {
        Bounds.positive("router.capacity.factor", factor);
        Bounds.atLeast("router.capacity.least", least, 0);
        if (less != null) {
          Bounds.within("router.capacity.less", less, 0, 1 << 20);
        }
      }

      /** Creates a share from which nothing is taken away. */
      public Share(double factor, int least, Rounding rounding) {
        this(factor, least, rounding, null);
      }

      @Override
      public int of(int population, int choices, int experts) {
        double exact = factor * choices * population / experts;
        double rounded =
            switch (rounding) {
              case FLOOR -> Math.floor(exact);
              case HALF_EVEN -> Math.rint(exact);
              case CEIL -> Math.ceil(exact);
            };
        return (int) Math.min(population, Math.max(least, rounded - (less == null ? 0 : less)));
      }
    }
  }

  /** How a quotient becomes a whole number. */
  enum Rounding {
    /** Down. */
    FLOOR,
    /** To the nearest, a half to the even one. */
    HALF_EVEN,
    /** Up. */
    CEIL
  }
}
