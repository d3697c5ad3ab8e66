package anabranch.conformance.reference.route;

import anabranch.model.route.Capacity;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Step 6 of a router: who finds room with a member. Stateless. */
final class Capacities {
  private Capacities() {}

  /** One choice of one row. */
  private record Claim(Draft row, int rank, int expert, double weight) {}

  /** Drops what has no room, for every row of a call; rows come by span and position. */
  static void drop(Capacity capacity, int choices, int experts, List<Draft> rows) {
    for (Draft row : rows) {
      row.dropped = new boolean[row.taken.size()];
    }
    if (!(capacity instanceof Capacity.Limited limited)) {
      return;
    }
    for (List<Draft> population : populations(limited.population(), rows)) {
      int room = limited.size().of(population.size(), choices, experts);
      List<Claim> claims = queue(limited.priority(), population);
      for (int e = 0; e < experts; e++) {
        int expert = e;
        fill(
            room,
            limited.priority() == Capacity.Priority.GATE,
            claims.stream().filter(claim -> claim.expert == expert).toList());
      }
    }
  }

  /** Rule R6.1: which rows compete. */
  private static List<List<Draft>> populations(Capacity.Population population, List<Draft> rows) {
    if (population == Capacity.Population.DISPATCH) {
      return rows.isEmpty() ? List.of() : List.of(rows);
    }
    Map<Integer, List<Draft>> spans = new TreeMap<>();
    for (Draft row : rows) {
      if (population == Capacity.Population.ITEM && row.asking.event().firstPosition() != 0) {
        throw new IllegalArgumentException(
            "capacity by ITEM needs the whole item in one event, not " + row.asking.event());
      }
      spans.computeIfAbsent(row.asking.span(), span -> new ArrayList<>()).add(row);
    }
    return List.copyOf(spans.values());
  }

  /** Rule R6.2: who comes first; the order of the rows is that of spans and positions. */
  private static List<Claim> queue(Capacity.Priority priority, List<Draft> rows) {
    List<Claim> claims = new ArrayList<>();
    for (Draft row : rows) {
      for (int rank = 0; rank < row.taken.size(); rank++) {
        claims.add(new Claim(row, rank, row.taken.get(rank), row.weights.get(rank)));
      }
    }
    if (priority == Capacity.Priority.RANK_THEN_POSITION) {
      claims.sort(Comparator.comparingInt(Claim::rank));
    } else if (priority == Capacity.Priority.GATE) {
      claims.sort((a, b) -> a.weight > b.weight ? -1 : a.weight < b.weight ? 1 : 0);
    }
    return claims;
  }

  /** Rule R6.3: the first few stay; with priority by gate, another outcome is a gate away. */
  private static void fill(int room, boolean byGate, List<Claim> claims) {
    boolean full = room < claims.size();
    for (int place = 0; place < claims.size(); place++) {
      Claim claim = claims.get(place);
      claim.row.dropped[claim.rank] = place >= room;
      if (full && byGate && room > 0) {
        double border = claims.get(place < room ? room : room - 1).weight;
        claim.row.near(Math.abs(claim.weight - border));
      }
    }
  }
}
