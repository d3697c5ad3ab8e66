package anabranch.routing;

import anabranch.model.route.Capacity;
import anabranch.model.route.Gate;
import anabranch.model.route.Router;
import java.util.Arrays;

/**
 * Step 6: drops the choices for which an expert has no room, and divides by what stays where the
 * gate says so. The arrays are scratch. Confined to one thread.
 */
final class Room {
  private final Router router;
  private final int[] taken;
  private final Ranks ranks = new Ranks();

  Room(Router router, int experts) {
    this.router = router;
    taken = new int[router.capacity() instanceof Capacity.Limited ? experts : 0];
  }

  /** Limits an assignment, one population after the other. */
  void limit(String path, RoutedRows rows, Assignment into) {
    if (!(router.capacity() instanceof Capacity.Limited limited)) {
      return;
    }
    if (limited.population() == Capacity.Population.DISPATCH) {
      limit(limited, rows, 0, rows.size(), into);
    } else {
      for (int from = 0; from < rows.size(); ) {
        int end = end(rows, from);
        if (limited.population() == Capacity.Population.ITEM) {
          requireBegin(path, rows, rows.span(from));
        }
        limit(limited, rows, from, end, into);
        from = end;
      }
    }
    Gate.Normalise normalise = router.gate().normalise();
    if (normalise != null && normalise.afterDrop()) {
      divide(normalise.epsilon(), into);
    }
  }

  /** Returns the row behind the span that begins with a row. */
  static int end(RoutedRows rows, int from) {
    int end = from + 1;
    while (end < rows.size() && rows.span(end) == rows.span(from)) {
      end++;
    }
    return end;
  }

  private static void requireBegin(String path, RoutedRows rows, int span) {
    if (rows.firstPosition(span) != 0) {
      throw new IllegalArgumentException(
          path
              + ": a capacity of whole items needs items that are one event, but span "
              + span
              + " begins at position "
              + rows.firstPosition(span));
    }
  }

  private void limit(
      Capacity.Limited limited, RoutedRows rows, int from, int end, Assignment into) {
    int population = 0;
    for (int row = from; row < end; row++) {
      population += rows.live(row) ? 1 : 0;
    }
    int room = limited.size().of(population, router.selection().most(taken.length), taken.length);
    Arrays.fill(taken, 0);
    switch (limited.priority()) {
      case POSITION -> {
        for (int row = from; row < end; row++) {
          for (int choice = 0; choice < into.k(); choice++) {
            ask(row, choice, room, into);
          }
        }
      }
      case RANK_THEN_POSITION -> {
        for (int choice = 0; choice < into.k(); choice++) {
          for (int row = from; row < end; row++) {
            ask(row, choice, room, into);
          }
        }
      }
      case GATE -> {
        ranks.begin((end - from) * into.k());
        for (int row = from; row < end; row++) {
          for (int choice = 0; choice < into.k(); choice++) {
            ranks.add(into.weight(row, choice));
          }
        }
        ranks.sort();
        for (int i = 0; i < ranks.size(); i++) {
          ask(from + ranks.at(i) / into.k(), ranks.at(i) % into.k(), room, into);
        }
      }
    }
  }

  private void ask(int row, int choice, int room, Assignment into) {
    int expert = into.expert(row, choice);
    if (expert >= 0 && ++taken[expert] > room) {
      into.drop(row, choice);
    }
  }

  private void divide(double epsilon, Assignment into) {
    double scale = router.gate().scale();
    for (int row = 0; row < into.rows(); row++) {
      double sum = 0;
      for (int choice = 0; choice < into.k(); choice++) {
        sum += into.weight(row, choice);
      }
      double divisor = sum / scale + epsilon;
      for (int choice = 0; choice < into.k(); choice++) {
        int expert = into.expert(row, choice);
        if (expert >= 0) {
          into.set(row, choice, expert, into.weight(row, choice) / divisor);
        }
      }
    }
  }
}
