package anabranch.conformance.reference.pass;

import anabranch.conformance.reference.route.Asking;
import anabranch.conformance.reference.route.Choice;
import anabranch.conformance.reference.route.RouterPart;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/** What one run of a router did with the rows of a call. */
public final class Taken {
  /** The path of what it picks from, such as a mixture. */
  public final String path;

  /** The most members that a row can see. */
  public final int most;

  /** By row of the call; null for rows that were not asked. */
  public final @Nullable Choice[] choices;

  /** How many rows each member computed. */
  public final int[] ran;

  /** Creates the record of a run in which no row was asked yet. */
  public Taken(String path, int most, int rows, int members) {
    this.path = path;
    this.most = most;
    choices = new Choice[rows];
    ran = new int[members];
  }

  /** Asks a router for those rows that run and have no choice yet. */
  public void ask(RouterPart router, Pass pass, double[][] v, Way[] ways) {
    List<Asking> asking = new ArrayList<>();
    List<Integer> numbers = new ArrayList<>();
    for (int i = 0; i < v.length; i++) {
      if (ways[i] == Way.RUN && choices[i] == null) {
        Row row = pass.rows.get(i);
        List<Integer> forced = pass.forced.of(path, row);
        asking.add(new Asking(row.span, row.event, row.position, v[i], row.carried, forced));
        numbers.add(i);
      }
    }
    List<Choice> decided;
    try {
      decided = router.decide(asking, pass.block);
    } catch (ArithmeticException bad) {
      throw new ArithmeticException(path + ": " + bad.getMessage());
    }
    for (int n = 0; n < decided.size(); n++) {
      choices[numbers.get(n)] = decided.get(n);
    }
  }

  /** Returns what is made of each row by its choice; nothing for rows that have none. */
  public double[][] each(double[][] v, BiFunction<double[], Choice, double[]> made) {
    double[][] result = new double[v.length][];
    for (int row = 0; row < v.length; row++) {
      Choice choice = choices[row];
      if (choice != null) {
        result[row] = made.apply(v[row], choice);
      }
    }
    return result;
  }

  @Override
  public String toString() {
    return path + " " + Arrays.toString(choices);
  }
}
