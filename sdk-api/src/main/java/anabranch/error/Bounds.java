package anabranch.error;

import java.time.Duration;
import java.util.Collection;
import java.util.HashSet;
import java.util.Set;
import java.util.function.Supplier;

/** Checks that name the field, the value and the bound when they fail. Stateless. */
public final class Bounds {
  private Bounds() {}

  /**
   * Returns {@code value} if it is at least {@code least}.
   *
   * @throws DescriptionException otherwise
   */
  public static int atLeast(String field, int value, int least) {
    if (value < least) {
      throw new DescriptionException(field + " " + value + " is below " + least);
    }
    return value;
  }

  /**
   * Returns {@code value} if it lies in {@code least..most}.
   *
   * @throws DescriptionException otherwise
   */
  public static int within(String field, int value, int least, int most) {
    if (value < least || value > most) {
      throw new DescriptionException(field + " " + value + " is not in " + least + ".." + most);
    }
    return value;
  }

  /**
   * Returns {@code value} if it lies in {@code least..most}.
   *
   * @throws DescriptionException otherwise
   */
  public static Duration within(String field, Duration value, Duration least, Duration most) {
    require(
        value.compareTo(least) >= 0 && value.compareTo(most) <= 0,
        () -> field + " " + value + " is not in " + least + ".." + most);
    return value;
  }

  /**
   * Returns {@code value} if it is finite and greater than zero.
   *
   * @throws DescriptionException otherwise
   */
  public static double positive(String field, double value) {
    if (!(value > 0) || Double.isInfinite(value)) {
      throw new DescriptionException(field + " " + value + " is not a finite number above 0");
    }
    return value;
  }

  /**
   * Returns {@code value} if it is finite and not negative.
   *
   * @throws DescriptionException otherwise
   */
  public static double notNegative(String field, double value) {
    if (!(value >= 0) || Double.isInfinite(value)) {
      throw new DescriptionException(field + " " + value + " is not a finite number from 0 on");
    }
    return value;
  }

  /**
   * Returns {@code name} if it is 1 to 64 letters, digits, {@code _} or {@code -}: names become
   * parts of parameter names and metric names.
   *
   * @throws DescriptionException otherwise
   */
  public static String name(String field, String name) {
    if (!name.matches("[A-Za-z0-9_-]{1,64}")) {
      throw new DescriptionException(
          field + " \"" + name + "\" is not 1 to 64 letters, digits, '_' or '-'");
    }
    return name;
  }

  /**
   * Fails if a name occurs twice.
   *
   * @throws DescriptionException naming the first repeated name
   */
  public static void distinct(String field, Collection<String> names) {
    Set<String> seen = new HashSet<>();
    for (String name : names) {
      if (!seen.add(name)) {
        throw new DescriptionException(field + " \"" + name + "\" is used twice");
      }
    }
  }

  /**
   * Fails with {@code message} unless {@code holds}.
   *
   * @throws DescriptionException with the message
   */
  public static void require(boolean holds, String message) {
    if (!holds) {
      throw new DescriptionException(message);
    }
  }

  /**
   * Fails with a message unless {@code holds}.
   *
   * @param message asked for only when it fails: where values are long in words
   * @throws DescriptionException with the message
   */
  public static void require(boolean holds, Supplier<String> message) {
    if (!holds) {
      throw new DescriptionException(message.get());
    }
  }

  /**
   * Fails with {@code message} and the rule that states the refusal unless {@code holds}.
   *
   * @param rule its number in the specification, such as {@code "A17"}
   * @throws DescriptionException with the message
   */
  public static void require(boolean holds, String message, String rule) {
    require(holds, ruled(message, rule));
  }

  /** Returns a message that names the rule of the specification which states the refusal. */
  public static String ruled(String message, String rule) {
    return message + " (rule " + rule + ")";
  }
}
