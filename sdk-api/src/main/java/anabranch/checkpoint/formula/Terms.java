package anabranch.checkpoint.formula;

import anabranch.error.DescriptionException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What formulas are made of. Stateless. */
public final class Terms {
  private Terms() {}

  record Constant(@Nullable Object value) implements Expression {
    @Override
    public @Nullable Object in(Names scope) {
      return value;
    }

    @Override
    public void names(Set<String> into) {}
  }

  /** A field, a part or a counter, by name. */
  record Name(String name) implements Expression {
    @Override
    public @Nullable Object in(Names scope) {
      return scope.value(name);
    }

    @Override
    public @Nullable Object orNull(Names scope) {
      return scope.has(name) ? scope.value(name) : null;
    }

    @Override
    public void names(Set<String> into) {
      into.add(name);
    }
  }

  /** A field of a field. */
  record Member(Expression of, String name) implements Expression {
    @Override
    public @Nullable Object in(Names scope) {
      Object value = of.in(scope);
      if (!(value instanceof Map<?, ?> map) || !map.containsKey(name)) {
        throw new DescriptionException("field \"" + path() + "\" is missing");
      }
      return map.get(name);
    }

    @Override
    public @Nullable Object orNull(Names scope) {
      return of.orNull(scope) instanceof Map<?, ?> map ? map.get(name) : null;
    }

    private String path() {
      Set<String> names = new LinkedHashSet<>();
      names(names);
      return String.join(",", names);
    }

    @Override
    public void names(Set<String> into) {
      Set<String> inner = new LinkedHashSet<>();
      of.names(inner);
      inner.forEach(each -> into.add(each + "." + name));
    }
  }

  record Element(String text, Expression of, Expression index) implements Expression {
    @Override
    public @Nullable Object in(Names scope) {
      Object list = of.in(scope);
      long at = whole(text, index.in(scope));
      if (!(list instanceof List<?> elements) || at < 0 || at >= elements.size()) {
        throw wrong(text, list, "a list that has an element " + at);
      }
      return elements.get((int) at);
    }

    @Override
    public void names(Set<String> into) {
      of.names(into);
      index.names(into);
    }
  }

  record Listing(List<Expression> elements) implements Expression {
    @Override
    public @Nullable Object in(Names scope) {
      List<@Nullable Object> list = new ArrayList<>();
      elements.forEach(element -> list.add(element.in(scope)));
      return list;
    }

    @Override
    public void names(Set<String> into) {
      elements.forEach(element -> element.names(into));
    }
  }

  record Fallback(Expression first, Expression otherwise) implements Expression {
    @Override
    public @Nullable Object in(Names scope) {
      Object value = first.orNull(scope);
      return value == null ? otherwise.in(scope) : value;
    }

    @Override
    public @Nullable Object orNull(Names scope) {
      Object value = first.orNull(scope);
      return value == null ? otherwise.orNull(scope) : value;
    }

    @Override
    public void names(Set<String> into) {
      first.names(into);
      otherwise.names(into);
    }
  }

  record Conditional(String text, Expression condition, Expression then, Expression otherwise)
      implements Expression {
    @Override
    public @Nullable Object in(Names scope) {
      return truth(text, condition.in(scope)) ? then.in(scope) : otherwise.in(scope);
    }

    @Override
    public void names(Set<String> into) {
      condition.names(into);
      then.names(into);
      otherwise.names(into);
    }
  }

  record Logic(String text, boolean or, Expression left, Expression right) implements Expression {
    @Override
    public @Nullable Object in(Names scope) {
      return truth(text, left.in(scope)) == or ? or : truth(text, right.in(scope));
    }

    @Override
    public void names(Set<String> into) {
      left.names(into);
      right.names(into);
    }
  }

  record Not(String text, Expression of) implements Expression {
    @Override
    public @Nullable Object in(Names scope) {
      return !truth(text, of.in(scope));
    }

    @Override
    public void names(Set<String> into) {
      of.names(into);
    }
  }

  record Comparison(String text, String sign, Expression left, Expression right)
      implements Expression {
    @Override
    public @Nullable Object in(Names scope) {
      Object a = left.in(scope);
      Object b = right.in(scope);
      return switch (sign) {
        case "==" -> same(a, b);
        case "!=" -> !same(a, b);
        case "in" -> among(a, b);
        case "<" -> number(text, a) < number(text, b);
        case "<=" -> number(text, a) <= number(text, b);
        case ">" -> number(text, a) > number(text, b);
        default -> number(text, a) >= number(text, b);
      };
    }

    private boolean among(@Nullable Object a, @Nullable Object b) {
      if (!(b instanceof List<?> list)) {
        throw wrong(text, b, "a list");
      }
      return list.stream().anyMatch(each -> same(a, each));
    }

    @Override
    public void names(Set<String> into) {
      left.names(into);
      right.names(into);
    }
  }

  /** Whole numbers stay whole, also in a division without a rest. */
  record Arithmetic(String text, String sign, Expression left, Expression right)
      implements Expression {
    @Override
    public @Nullable Object in(Names scope) {
      Object a = left.in(scope);
      Object b = right.in(scope);
      if (a instanceof Long x && b instanceof Long y) {
        return whole(x, y);
      } else if (sign.equals("+") && a instanceof String text) {
        return text + b;
      }
      double x = number(text, a);
      double y = number(text, b);
      double result =
          switch (sign) {
            case "+" -> x + y;
            case "-" -> x - y;
            case "*" -> x * y;
            case "//" -> Math.floor(x / y);
            case "%" -> x - y * Math.floor(x / y);
            default -> x / y;
          };
      if (!Double.isFinite(result)) {
        throw wrong(text, result, "a finite number");
      }
      if (sign.equals("//") && Math.abs(result) < 0x1p53) {
        return (long) result;
      }
      return result;
    }

    private Object whole(long x, long y) {
      try {
        if (y == 0 && "/%".contains(sign.substring(0, 1))) {
          throw wrong(text, y, "a number to divide by");
        }
        return switch (sign) {
          case "+" -> Math.addExact(x, y);
          case "-" -> Math.subtractExact(x, y);
          case "*" -> Math.multiplyExact(x, y);
          case "//" -> Math.floorDiv(x, y);
          case "%" -> Math.floorMod(x, y);
          default -> x % y == 0 ? (Object) (x / y) : (Object) ((double) x / y);
        };
      } catch (ArithmeticException tooLarge) {
        throw wrong(text, x + " " + sign + " " + y, "a number of 64 bits");
      }
    }

    @Override
    public void names(Set<String> into) {
      left.names(into);
      right.names(into);
    }
  }

  /** Returns whether two values are the same; numbers by value. */
  public static boolean same(@Nullable Object a, @Nullable Object b) {
    if (a instanceof Number x && b instanceof Number y) {
      return x instanceof Long && y instanceof Long
          ? x.longValue() == y.longValue()
          : x.doubleValue() == y.doubleValue();
    }
    return a == null ? b == null : a.equals(b);
  }

  /**
   * Returns a value as a truth.
   *
   * @throws DescriptionException naming the formula
   */
  public static boolean truth(String text, @Nullable Object value) {
    if (value instanceof Boolean truth) {
      return truth;
    }
    throw wrong(text, value, "true or false");
  }

  static double number(String text, @Nullable Object value) {
    if (value instanceof Number number) {
      return number.doubleValue();
    }
    throw wrong(text, value, "a number");
  }

  /**
   * Returns a value as a whole number.
   *
   * @throws DescriptionException naming the formula
   */
  public static long whole(String text, @Nullable Object value) {
    if (value instanceof Long number) {
      return number;
    }
    throw wrong(text, value, "a whole number");
  }

  /** Returns the error of a formula whose value is not within a bound. */
  public static DescriptionException wrong(String text, @Nullable Object value, String bound) {
    return new DescriptionException(
        "in \"" + text.strip() + "\" the value " + Json.shown(value) + " is not " + bound);
  }
}
