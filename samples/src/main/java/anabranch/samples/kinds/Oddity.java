package anabranch.samples.kinds;

/** The ways in which a line is made odd. */
public enum Oddity {
  /** One letter is another letter. */
  LETTER("one letter"),
  /** The characters behind the indentation stand in another order. */
  SHUFFLED("shuffled"),
  /** The line is one of a language that none of the kinds is. */
  FOREIGN("other language"),
  /** The line holds a random key: letters and digits, Base64 or hexadecimal. */
  SECRET("secret"),
  /** A stretch of the line is random bytes, twice-encoded letters, or an attack. */
  CORRUPT("corrupt or attack");

  private final String title;

  Oddity(String title) {
    this.title = title;
  }

  /** Returns what it is called in tables and labels. */
  public String title() {
    return title;
  }
}
