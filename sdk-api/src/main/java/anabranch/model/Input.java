package anabranch.model;

import anabranch.error.Bounds;

/** What one row of an event is: a token id, or a vector of numbers. */
public sealed interface Input {
  /** The most rows a limit may name: positions and row counts stay far from integer overflow. */
  int MOST_ROWS = 1 << 24;

  /** Returns the most rows one sequence may have. */
  int maxLength();

  /**
   * Rows are token ids in {@code 0..vocabulary-1}.
   *
   * @param vocabulary how many ids there are, at least 1
   * @param maxLength the most rows of one sequence, at least 1
   */
  record Tokens(int vocabulary, int maxLength) implements Input {
    /** Checks the bounds. */
    public Tokens {
      Bounds.atLeast("input.vocabulary", vocabulary, 1);
      Bounds.within("input.maxLength", maxLength, 1, MOST_ROWS);
    }
  }

  /**
   * Rows are vectors of {@code features} finite numbers.
   *
   * @param features the length of one row, at least 1
   * @param maxLength the most rows of one sequence, at least 1
   */
  record Features(int features, int maxLength) implements Input {
    /** Checks the bounds. */
    public Features {
      Bounds.atLeast("input.features", features, 1);
      Bounds.within("input.maxLength", maxLength, 1, MOST_ROWS);
    }
  }
}
