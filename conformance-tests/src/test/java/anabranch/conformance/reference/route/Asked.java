package anabranch.conformance.reference.route;

import anabranch.backend.Event;
import anabranch.model.route.Capacity;
import anabranch.model.route.Gate;
import anabranch.model.route.Router;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Routers asked with logits that are given. */
final class Asked {
  private Asked() {}

  /** Returns a router without a matrix. */
  static RouterPart part(Router router, int experts) {
    return new RouterPart(router, experts, new double[0][], null, null);
  }

  /** Decides about the rows of one event. */
  static List<Choice> decide(Router router, int experts, double[][] logits) {
    return decide(router, experts, logits, null);
  }

  /** Decides about the rows of one event, as they are forced. */
  static List<Choice> decide(
      Router router, int experts, double[][] logits, @Nullable List<List<Integer>> forced) {
    Event event = Event.ofTokens(new int[logits.length]).keyed(1);
    List<Asking> rows = new ArrayList<>();
    for (int r = 0; r < logits.length; r++) {
      rows.add(
          new Asking(0, event, r, new double[0], Map.of(), forced == null ? null : forced.get(r)));
    }
    return part(router, experts).decide(rows, List.of(logits), 0);
  }

  /** Decides about one row. */
  static Choice one(Router router, double... logits) {
    return decide(router, logits.length, new double[][] {logits}).get(0);
  }

  /** Returns logits whose softmax is given. */
  static double[][] ofProbabilities(double[]... rows) {
    double[][] logits = new double[rows.length][rows[0].length];
    for (int r = 0; r < rows.length; r++) {
      for (int e = 0; e < rows[r].length; e++) {
        logits[r][e] = Math.log(rows[r][e]);
      }
    }
    return logits;
  }

  static Capacity capacity(Capacity.Size size, Capacity.Priority priority) {
    return new Capacity.Limited(size, Capacity.Population.STEP, priority);
  }

  /** Returns what experts add that answer {@code (e + 1) x} to rows with x = 1. */
  static double[] deltas(List<Choice> choices) {
    double[] deltas = new double[choices.size()];
    for (int r = 0; r < deltas.length; r++) {
      for (int e : choices.get(r).experts()) {
        deltas[r] += choices.get(r).gate(e) * (e + 1);
      }
    }
    return deltas;
  }

  static Router with(Router router, Gate gate, Capacity capacity) {
    return new Router(
        router.source(),
        router.logits(),
        router.score(),
        router.preference(),
        router.selection(),
        gate,
        capacity,
        router.placement());
  }
}
