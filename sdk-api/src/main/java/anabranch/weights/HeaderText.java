package anabranch.weights;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/**
 * The JSON of a safetensors header, read from its start: just what such a header is made of, by
 * plain code, because loading a JSON library is a good part of a cold start. Whatever is not JSON
 * is refused where it is met. Confined to one thread.
 */
final class HeaderText {
  private static final int MOST_DEPTH = 3;
  private static final int MOST_NUMBER = 20;

  private final CharBuffer text;
  private int at;

  /** Says what is not JSON, and where. */
  static final class Malformed extends Exception {
    Malformed(String what, int at) {
      super(what + " at character " + at);
    }
  }

  /** A value that is no object and no array, or the first character of one that is. */
  record Scalar(String text, boolean isString, boolean isWhole) {}

  HeaderText(byte[] json) throws CharacterCodingException {
    text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(json));
  }

  /** Returns the next character that is no white space, which stays the next; 0 at the end. */
  char next() {
    while (at < text.length() && " \t\n\r".indexOf(text.get(at)) >= 0) {
      at++;
    }
    return at < text.length() ? text.get(at) : 0;
  }

  boolean ended() {
    next();
    return at == text.length();
  }

  /** Passes a character that has to be the next. */
  void pass(char expected) throws Malformed {
    if (next() != expected || at == text.length()) {
      throw new Malformed("no '" + expected + "'", at);
    }
    at++;
  }

  /** Passes what opens or continues a list; returns false behind what closes it. */
  boolean goesOn(boolean first, char close) throws Malformed {
    if (first && next() == close) {
      at++;
      return false;
    } else if (first) {
      return true;
    } else if (next() == close) {
      at++;
      return false;
    }
    pass(',');
    return true;
  }

  /** Returns the name of a field, and passes the colon behind it. */
  String name() throws Malformed {
    int start = at;
    String name = string();
    if (name.length() > Header.MOST_NAME) {
      throw new Malformed(
          "a name of " + name.length() + " characters, more than " + Header.MOST_NAME, start);
    }
    pass(':');
    return name;
  }

  String string() throws Malformed {
    pass('"');
    StringBuilder string = new StringBuilder();
    while (true) {
      char c = take("the end of a string");
      if (c == '"') {
        return string.toString();
      } else if (c < ' ') {
        throw new Malformed("a control character in a string", at - 1);
      }
      string.append(c == '\\' ? escaped() : c);
    }
  }

  private char escaped() throws Malformed {
    char c = take("an escaped character");
    switch (c) {
      case '"', '\\', '/' -> {
        return c;
      }
      case 'b' -> {
        return '\b';
      }
      case 'f' -> {
        return '\f';
      }
      case 'n' -> {
        return '\n';
      }
      case 'r' -> {
        return '\r';
      }
      case 't' -> {
        return '\t';
      }
      case 'u' -> {
        int code = 0;
        for (int i = 0; i < 4; i++) {
          char digit = take("a digit");
          int value = digit < 128 ? Character.digit(digit, 16) : -1;
          if (value < 0) {
            throw new Malformed("no hexadecimal digit", at - 1);
          }
          code = 16 * code + value;
        }
        return (char) code;
      }
      default -> throw new Malformed("an unknown escape", at - 1);
    }
  }

  private char take(String what) throws Malformed {
    if (at == text.length()) {
      throw new Malformed("no " + what, at);
    }
    return text.get(at++);
  }

  /**
   * Returns a value without others in it.
   *
   * @param depth of what it stands in
   */
  Scalar scalar(int depth) throws Malformed {
    char c = next();
    if (c == '"') {
      return new Scalar(string(), true, false);
    } else if (c == '-' || isDigit(c)) {
      return number();
    } else if (c == '{' || c == '[') {
      if (depth >= MOST_DEPTH) {
        throw new Malformed("depth " + (depth + 1) + " is more than " + MOST_DEPTH, at);
      }
      return new Scalar(String.valueOf(c), false, false);
    }
    for (String literal : new String[] {"null", "true", "false"}) {
      int end = at + literal.length();
      if (end <= text.length() && CharBuffer.wrap(literal).equals(text.slice(at, end - at))) {
        at = end;
        return new Scalar(literal, false, false);
      }
    }
    throw new Malformed("no value", at);
  }

  private Scalar number() throws Malformed {
    int start = at;
    at += text.get(at) == '-' ? 1 : 0;
    int first = at;
    digits();
    if (at - first > 1 && text.get(first) == '0') {
      throw new Malformed("a number with a leading 0", start);
    }
    int whole = at;
    if (here('.')) {
      at++;
      digits();
    }
    if (here('e') || here('E')) {
      at++;
      at += here('+') || here('-') ? 1 : 0;
      digits();
    }
    if (at - start > MOST_NUMBER) {
      throw new Malformed(
          "a number of " + (at - start) + " characters, more than " + MOST_NUMBER, start);
    }
    return new Scalar(text.slice(start, at - start).toString(), false, at == whole);
  }

  private void digits() throws Malformed {
    int start = at;
    while (at < text.length() && isDigit(text.get(at))) {
      at++;
    }
    if (at == start) {
      throw new Malformed("no digit", at);
    }
  }

  private boolean here(char c) {
    return at < text.length() && text.get(at) == c;
  }

  private static boolean isDigit(char c) {
    return c >= '0' && c <= '9';
  }

  /** Returns what is wrong with a name that an object has twice. */
  Malformed duplicate(String name) {
    return new Malformed("Duplicate name \"" + name + "\"", at);
  }
}
