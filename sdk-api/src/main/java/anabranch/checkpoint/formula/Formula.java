package anabranch.checkpoint.formula;

import java.util.ArrayList;
import java.util.List;

/**
 * Reads formulas: {@code a if c else b}, {@code or}, {@code and}, {@code not}, comparisons and
 * {@code in}, {@code ??} for what may be null or absent, {@code + - * / // %}, members, elements,
 * lists, and the functions of {@link Functions}. By recursive descent, confined to one thread.
 */
public final class Formula {
  private static final int MOST_CHARACTERS = 500;
  private static final int MOST_DEPTH = 40;
  private static final List<String> COMPARISONS = List.of("==", "!=", "<=", ">=", "<", ">", "in");
  private static final List<String> SIGNS =
      List.of("??", "==", "!=", "<=", ">=", "//", "<", ">", "+", "-", "*", "/", "%");

  private final String text;
  private int at;
  private int depth;

  private Formula(String text) {
    this.text = text;
  }

  /**
   * Returns the formula.
   *
   * @throws IllegalArgumentException where it is none: mappings are part of this library
   */
  public static Expression parse(String text) {
    Formula formula = new Formula(text);
    if (text.length() > MOST_CHARACTERS) {
      throw formula.wrong("has more than " + MOST_CHARACTERS + " characters");
    }
    Expression whole = formula.choice();
    formula.space();
    if (formula.at < text.length()) {
      throw formula.wrong("goes on behind its end");
    }
    return whole;
  }

  private Expression choice() {
    if (++depth > MOST_DEPTH) {
      throw wrong("is more than " + MOST_DEPTH + " deep");
    }
    Expression first = either();
    if (word("if")) {
      Expression condition = either();
      expect("else");
      first = new Terms.Conditional(text, condition, first, choice());
    }
    depth--;
    return first;
  }

  private Expression either() {
    Expression left = both();
    while (word("or")) {
      left = new Terms.Logic(text, true, left, both());
    }
    return left;
  }

  private Expression both() {
    Expression left = negated();
    while (word("and")) {
      left = new Terms.Logic(text, false, left, negated());
    }
    return left;
  }

  private Expression negated() {
    if (word("not")) {
      return new Terms.Not(text, negated());
    }
    Expression left = fallback();
    for (String sign : COMPARISONS) {
      if (sign.equals("in") ? word("in") : sign(sign)) {
        return new Terms.Comparison(text, sign, left, fallback());
      }
    }
    return left;
  }

  private Expression fallback() {
    Expression left = sum();
    while (sign("??")) {
      left = new Terms.Fallback(left, sum());
    }
    return left;
  }

  private Expression sum() {
    Expression left = product();
    while (true) {
      if (sign("+")) {
        left = new Terms.Arithmetic(text, "+", left, product());
      } else if (sign("-")) {
        left = new Terms.Arithmetic(text, "-", left, product());
      } else {
        return left;
      }
    }
  }

  private Expression product() {
    Expression left = factor();
    while (true) {
      String found = null;
      for (String each : List.of("*", "//", "/", "%")) {
        if (found == null && sign(each)) {
          found = each;
        }
      }
      if (found == null) {
        return left;
      }
      left = new Terms.Arithmetic(text, found, left, factor());
    }
  }

  private Expression factor() {
    if (sign("-")) {
      return new Terms.Arithmetic(text, "-", new Terms.Constant(0L), factor());
    }
    Expression value = primary();
    while (true) {
      if (open('.')) {
        value = new Terms.Member(value, name());
      } else if (open('[')) {
        value = new Terms.Element(text, value, choice());
        close(']');
      } else {
        return value;
      }
    }
  }

  private Expression primary() {
    space();
    char next = at < text.length() ? text.charAt(at) : ' ';
    if (open('(')) {
      Expression inner = choice();
      close(')');
      return inner;
    } else if (open('[')) {
      return new Terms.Listing(arguments(']'));
    } else if (next == '\'') {
      int end = text.indexOf('\'', at + 1);
      if (end < 0) {
        throw wrong("has a text without an end");
      }
      String constant = text.substring(at + 1, end);
      at = end + 1;
      return new Terms.Constant(constant);
    } else if (Character.isDigit(next)) {
      return new Terms.Constant(number());
    }
    String name = name();
    return switch (name) {
      case "true" -> new Terms.Constant(true);
      case "false" -> new Terms.Constant(false);
      case "null" -> new Terms.Constant(null);
      default -> open('(') ? Functions.call(text, name, arguments(')')) : new Terms.Name(name);
    };
  }

  private List<Expression> arguments(char end) {
    List<Expression> list = new ArrayList<>();
    space();
    if (!open(end)) {
      do {
        list.add(choice());
      } while (open(','));
      close(end);
    }
    return list;
  }

  private Object number() {
    int from = at;
    while (at < text.length()
        && (Character.isLetterOrDigit(text.charAt(at))
            || text.charAt(at) == '.'
            || text.charAt(at) == '-' && text.charAt(at - 1) == 'e')) {
      at++;
    }
    String digits = text.substring(from, at);
    try {
      if (digits.matches("[0-9]+")) {
        return Long.valueOf(digits);
      }
      return Double.valueOf(digits);
    } catch (NumberFormatException none) {
      throw wrong("has " + digits + ", which is no number");
    }
  }

  private String name() {
    space();
    int from = at;
    while (at < text.length()
        && (Character.isLetterOrDigit(text.charAt(at))
            || text.charAt(at) == '_'
            || text.charAt(at) == '$')) {
      at++;
    }
    if (from == at) {
      throw wrong("has no value at " + from);
    }
    return text.substring(from, at);
  }

  private boolean word(String word) {
    space();
    int end = at + word.length();
    boolean here =
        text.startsWith(word, at)
            && (end == text.length() || !Character.isLetterOrDigit(text.charAt(end)))
            && (end == text.length() || text.charAt(end) != '_');
    at = here ? end : at;
    return here;
  }

  /** Takes a sign unless a longer one stands there. */
  private boolean sign(String sign) {
    space();
    for (String each : SIGNS) {
      if (text.startsWith(each, at)) {
        boolean same = each.equals(sign);
        at += same ? sign.length() : 0;
        return same;
      }
    }
    return false;
  }

  private boolean open(char bracket) {
    space();
    boolean here = at < text.length() && text.charAt(at) == bracket;
    at += here ? 1 : 0;
    return here;
  }

  private void close(char bracket) {
    if (!open(bracket)) {
      throw wrong("has no '" + bracket + "' at " + at);
    }
  }

  private void expect(String word) {
    if (!word(word)) {
      throw wrong("has no \"" + word + "\" at " + at);
    }
  }

  private void space() {
    while (at < text.length() && text.charAt(at) == ' ') {
      at++;
    }
  }

  private IllegalArgumentException wrong(String what) {
    return new IllegalArgumentException("formula \"" + text + "\" " + what);
  }
}
