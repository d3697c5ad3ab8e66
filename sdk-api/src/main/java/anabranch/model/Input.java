package anabranch.model;

import anabranch.error.Bounds;
import java.util.List;

/** What one row of an event is: a token id, a vector of numbers, or a record. */
public sealed interface Input {
  /** The most rows a limit may name: positions and row counts stay far from integer overflow. */
  int MOST_ROWS = 1 << 24;

  /** Returns the most rows one sequence may have. */
  int maxLength();

  /** Returns how many numbers one row of an event has; 0 for token ids. */
  int numbers();

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

    @Override
    public int numbers() {
      return 0;
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

    @Override
    public int numbers() {
      return features;
    }
  }

  /**
   * Rows are records of named fields: an event brings one number for each, in their order.
   *
   * @param fields at least one, names distinct
   * @param maxLength the most rows of one sequence, at least 1
   */
  record Records(List<Field> fields, int maxLength) implements Input {
    /** Copies the list and checks it. */
    public Records {
      fields = List.copyOf(fields);
      Bounds.atLeast("input.fields.size", fields.size(), 1);
      Bounds.distinct("input.field.name", fields.stream().map(Field::name).toList());
      Bounds.within("input.maxLength", maxLength, 1, MOST_ROWS);
    }

    @Override
    public int numbers() {
      return fields.size();
    }

    /** Returns how many fields are numbers. */
    public int numeric() {
      return (int) fields.stream().filter(Field.Numeric.class::isInstance).count();
    }
  }

  /** One column of a record. */
  sealed interface Field {
    /** Returns its name, which is part of parameter names. */
    String name();

    /**
     * A finite number.
     *
     * @param name unique in its record
     */
    record Numeric(String name) implements Field {
      /** Checks the name. */
      public Numeric {
        Bounds.name("input.field.name", name);
      }
    }

    /**
     * One of several levels, given as its number; any other number counts as {@code unknown}.
     *
     * @param name unique in its record
     * @param levels how many there are, at least 1
     * @param unknown the level that stands for all others, in {@code 0..levels-1}
     */
    record Category(String name, int levels, int unknown) implements Field {
      /** Checks the bounds. */
      public Category {
        Bounds.name("input.field.name", name);
        Bounds.within("input.field \"" + name + "\" levels", levels, 1, 1 << 24);
        Bounds.within("input.field \"" + name + "\" unknown", unknown, 0, levels - 1);
      }

      /** Returns the level that a number means. */
      public int levelOf(float number) {
        return number >= 0 && number < levels && number == Math.rint(number)
            ? (int) number
            : unknown;
      }
    }
  }
}
