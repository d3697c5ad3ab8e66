package anabranch.checkpoint;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A name in which counters stand in braces, such as {@code blocks.{l}.mixture.before.weight}; a
 * star stands for anything. Immutable.
 */
final class NamePattern {
  private static final Pattern PIECE = Pattern.compile("\\{([a-z])\\}|\\*|[^{*]+");

  private final Pattern expression;
  private final List<String> counters = new ArrayList<>();

  NamePattern(String text) {
    StringBuilder into = new StringBuilder();
    for (Matcher piece = PIECE.matcher(text); piece.find(); ) {
      if (piece.group(1) != null) {
        counters.add(piece.group(1));
        into.append("(0|[1-9][0-9]{0,6})");
      } else {
        into.append(piece.group().equals("*") ? ".*" : Pattern.quote(piece.group()));
      }
    }
    expression = Pattern.compile(into.toString());
  }

  /** Returns the counters in a name, or null if it is another one. */
  @Nullable Map<String, Long> match(String name) {
    Matcher matcher = expression.matcher(name);
    if (!matcher.matches()) {
      return null;
    }
    Map<String, Long> values = new HashMap<>();
    for (int i = 0; i < counters.size(); i++) {
      values.put(counters.get(i), Long.valueOf(matcher.group(i + 1)));
    }
    return values;
  }

  /** Returns a key under which names and their patterns meet: all numbers are alike. */
  static String key(String name) {
    StringBuilder key = new StringBuilder();
    for (int i = 0; i < name.length(); i++) {
      char each = name.charAt(i);
      if (each == '{') {
        i = name.indexOf('}', i);
        key.append('0');
      } else if (each < '0' || each > '9') {
        key.append(each);
      } else if (key.isEmpty() || key.charAt(key.length() - 1) != '0') {
        key.append('0');
      }
    }
    return key.toString();
  }
}
