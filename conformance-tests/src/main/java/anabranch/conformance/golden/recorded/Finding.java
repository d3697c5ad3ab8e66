package anabranch.conformance.golden.recorded;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** How far one case is from its recording. Confined to one thread. */
public final class Finding {
  /** How far apart numbers of fp32 may be. */
  public static final double BAR = 1e-4;

  private static final int MOST_WORDS = 4;

  /** A kind of decision. */
  public enum Kind {
    /** Which members a row took, as a set. */
    EXPERTS,
    /** How many choices of a row had no room. */
    DROPS,
    /** Whether a row ran an operation. */
    SKIPS,
    /** Where a unit left. */
    EXITS,
    /** Which token came next. */
    TOKENS
  }

  private final String name;
  private final Map<Kind, int[]> counts = new EnumMap<>(Kind.class);
  private final List<String> words = new ArrayList<>();
  private double difference;
  private long numbers;
  private boolean failed;

  /** Creates a finding about nothing yet. */
  public Finding(String name) {
    this.name = name;
  }

  /** Returns the name of the model and the case. */
  public String name() {
    return name;
  }

  /** Compares numbers with what was recorded from an offset on. */
  public void numbers(String what, float[] recorded, int offset, double[] ours) {
    if (recorded.length < offset + ours.length) {
      fail(what + " has " + ours.length + " numbers, recorded are " + (recorded.length - offset));
      return;
    }
    double most = 0;
    for (int i = 0; i < ours.length; i++) {
      most = Math.max(most, Math.abs(recorded[offset + i] - ours[i]));
    }
    numbers += ours.length;
    difference = Math.max(difference, most);
    if (!(most <= BAR)) {
      say(String.format(Locale.ROOT, "%s are %.1e apart", what, most));
    }
  }

  /** Compares a decision with the one that was recorded. */
  public void decision(Kind kind, String what, Object recorded, Object ours) {
    int[] count = counts.computeIfAbsent(kind, any -> new int[2]);
    count[1]++;
    if (!recorded.equals(ours)) {
      count[0]++;
      say(what + ": " + ours + " instead of " + recorded);
    }
  }

  /** Says that the case could not be compared. */
  public void fail(String reason) {
    failed = true;
    say(reason);
  }

  /** Says something that is no difference. */
  public void note(String word) {
    words.add(word);
  }

  private void say(String word) {
    if (words.size() < MOST_WORDS) {
      words.add(word);
    }
  }

  /** Returns the largest difference of two numbers; NaN if one was no number. */
  public double difference() {
    return difference;
  }

  /** Returns how many numbers were compared. */
  public long compared() {
    return numbers;
  }

  /** Returns how many decisions of a kind were compared. */
  public int compared(Kind kind) {
    return counts.getOrDefault(kind, new int[2])[1];
  }

  /** Returns how many decisions of a kind differ. */
  public int differing(Kind kind) {
    return counts.getOrDefault(kind, new int[2])[0];
  }

  /** Returns whether something was compared and all of it agrees. */
  public boolean agrees() {
    return !failed
        && numbers > 0
        && difference <= BAR
        && Arrays.stream(Kind.values()).allMatch(kind -> differing(kind) == 0);
  }

  /** Returns this finding as a line, with the first few differences. */
  public String line() {
    StringBuilder line = new StringBuilder();
    line.append(String.format(Locale.ROOT, "%-5s %-40s", agrees() ? "ok" : "WRONG", name));
    line.append(String.format(Locale.ROOT, " %.1e of %d", difference, numbers));
    counts.forEach(
        (kind, count) ->
            line.append(", ")
                .append(kind.name().toLowerCase(Locale.ROOT))
                .append(' ')
                .append(count[0])
                .append('/')
                .append(count[1]));
    words.forEach(word -> line.append("\n      ").append(word));
    if (numbers == 0 && words.isEmpty()) {
      line.append("\n      nothing was compared");
    }
    return line.toString();
  }
}
