package anabranch.weights;

import anabranch.error.WeightsException;
import java.util.Collection;

/** Words for a tensor that is not there. Stateless. */
public final class Missing {
  private Missing() {}

  /** Returns the error for a missing name, with the name that is nearest by edit distance. */
  public static WeightsException tensor(String name, Collection<String> present) {
    String nearest = "";
    int best = Integer.MAX_VALUE;
    for (String other : present) {
      // Names whose lengths differ by so much cannot be nearer; that bounds the time for long ones.
      if (Math.abs(other.length() - name.length()) < best) {
        int distance = distance(name, other);
        nearest = distance < best ? other : nearest;
        best = Math.min(best, distance);
      }
    }
    return new WeightsException(
        "tensor \""
            + name
            + "\" is missing"
            + (nearest.isEmpty()
                ? "; there are none"
                : "; the nearest name is \"" + nearest + "\""));
  }

  private static int distance(String a, String b) {
    int[] row = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      row[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int change = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(change, 1 + Math.min(row[j - 1], row[j]));
      }
    }
    return row[b.length()];
  }
}
