package anabranch.checkpoint.formula;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The functions of formulas: {@code min}, {@code max}, {@code sqrt}, {@code ln}, {@code len},
 * {@code index} of a value in a list, and {@code stored} for whether there is a tensor of a name.
 */
final class Functions {
  private static final List<String> ALL =
      List.of("min", "max", "sqrt", "ln", "len", "index", "stored");

  private Functions() {}

  static Expression call(String text, String name, List<Expression> arguments) {
    int count = List.of("min", "max", "index").contains(name) ? 2 : 1;
    if (!ALL.contains(name) || arguments.size() != count) {
      throw new IllegalArgumentException(
          "formula \"" + text + "\" calls " + name + " with " + arguments.size() + " values");
    }
    return new Call(text, name, arguments);
  }

  private record Call(String text, String name, List<Expression> arguments) implements Expression {
    @Override
    public @Nullable Object in(Names scope) {
      Object value = arguments.get(0).in(scope);
      if (name.equals("len")) {
        return length(value);
      } else if (name.equals("stored")) {
        return scope.stored(String.valueOf(value));
      } else if (name.equals("index")) {
        return index(value, arguments.get(1).in(scope));
      }
      double number = Terms.number(text, value);
      if (name.equals("sqrt") || name.equals("ln")) {
        double result = name.equals("sqrt") ? Math.sqrt(number) : StrictMath.log(number);
        if (!Double.isFinite(result)) {
          throw Terms.wrong(text, value, "a number above 0");
        }
        return result;
      }
      Object other = arguments.get(1).in(scope);
      boolean less = number <= Terms.number(text, other);
      return less == name.equals("min") ? value : other;
    }

    private long index(@Nullable Object list, @Nullable Object value) {
      if (list instanceof List<?> elements) {
        for (int i = 0; i < elements.size(); i++) {
          if (Terms.same(elements.get(i), value)) {
            return i;
          }
        }
      }
      throw Terms.wrong(text, list, "a list that has " + Json.shown(value));
    }

    private long length(@Nullable Object value) {
      if (value instanceof Collection<?> list) {
        return list.size();
      } else if (value instanceof Map<?, ?> map) {
        return map.size();
      }
      throw Terms.wrong(text, value, "a list");
    }

    @Override
    public void names(Set<String> into) {
      arguments.forEach(argument -> argument.names(into));
    }
  }
}
