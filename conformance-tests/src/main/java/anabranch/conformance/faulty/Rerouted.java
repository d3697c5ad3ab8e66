package anabranch.conformance.faulty;

import static anabranch.conformance.faulty.Faults.fault;
import static anabranch.conformance.faulty.Faults.zero;

import anabranch.conformance.faulty.Faults.Fault;
import anabranch.model.layer.Bypass;
import anabranch.model.layer.Skip;
import anabranch.model.route.Capacity;
import anabranch.model.route.Gate;
import anabranch.model.route.Router;
import anabranch.model.route.Selection;
import anabranch.model.route.Source;
import anabranch.weights.MemoryWeights;
import anabranch.weights.Tensor;
import anabranch.weights.Weights;
import java.nio.FloatBuffer;
import java.util.List;

/** Routers one of whose later steps is misread. */
final class Rerouted {
  private static final String NAMED = "everyNamedRouterPicksAsTheOracle";

  private Rerouted() {}

  static List<Fault> all() {
    return List.of(
        fault("expert outputs are never weighed", ones(), NAMED, "A00", "A06", "A12"),
        fault(
            "capacity never binds",
            capacity(limited -> new Capacity.Unlimited()),
            NAMED,
            "A00",
            "recordedCapacitiesDropWhatTheirOriginalsDropped"),
        fault(
            "each expert has a place less",
            capacity(l -> new Capacity.Limited(less(l.size()), l.population(), l.priority())),
            NAMED,
            "A00"),
        fault(
            "the greatest gate comes first where the position counts",
            priority(Capacity.Priority.POSITION, Capacity.Priority.GATE),
            NAMED,
            "A00"),
        fault(
            "second choices overtake first ones",
            priority(Capacity.Priority.RANK_THEN_POSITION, Capacity.Priority.POSITION),
            NAMED,
            "A01"),
        fault(
            "capacity counts all rows of the call",
            capacity(
                l -> new Capacity.Limited(l.size(), Capacity.Population.DISPATCH, l.priority())),
            NAMED),
        fault(
            "capacity counts the rows of an event, where those of an item",
            capacity(
                l ->
                    l.population() == Capacity.Population.ITEM
                        ? new Capacity.Limited(l.size(), Capacity.Population.STEP, l.priority())
                        : l),
            "aCapacityOfWholeItemsTakesThemAsOneEvent"),
        fault("gates are divided when it is known what was dropped", afterDrop(), NAMED, "A01"),
        fault("every second choice is kept", everySecond(), NAMED, "A01"),
        fault("experts choose a row less", fewerRows(), NAMED, "A10", "A18"),
        fault("the last learner never runs", withoutTheLast(), NAMED, "A23"),
        fault(
            "the constant is left out",
            zeroed(".*\\.constant"),
            "A23",
            "recordedLayersRunTheExpertsThatTheirOriginalsRan"),
        fault("a sequence decides at every event", everyEvent(), "A17", EVENTS),
        fault(
            "rows that were skipped stay keys", keys(), "rowsThatSkipAddNothingAndShowWhatIsSaid"),
        fault(
            "a table names expert 0 where it names none",
            clamped(),
            "A02",
            "recordedLayersRunTheExpertsThatTheirOriginalsRan"),
        fault("experts are drawn from a stream", streamed(), NAMED, "A05"));
  }

  static final String EVENTS = "eventsOfOneSequenceAnswerAsTheOracle";

  /** A change of a limited capacity. */
  private interface Change {
    Capacity of(Capacity.Limited limited);
  }

  private static Broken capacity(Change change) {
    return new Rewritten() {
      @Override
      Router change(Router router) {
        Capacity capacity =
            router.capacity() instanceof Capacity.Limited limited
                ? change.of(limited)
                : router.capacity();
        Gate gate = router.gate();
        if (capacity instanceof Capacity.Unlimited && gate.normalise() != null) {
          gate =
              new Gate(
                  gate.of(),
                  new Gate.Normalise(gate.normalise().epsilon()),
                  gate.scale(),
                  gate.jitter());
        }
        return with(router, router.selection(), gate, capacity);
      }
    };
  }

  private static Router with(Router router, Selection selection, Gate gate, Capacity capacity) {
    return router.with(selection).with(gate).with(capacity);
  }

  private static Broken priority(Capacity.Priority from, Capacity.Priority to) {
    return capacity(
        l ->
            new Capacity.Limited(
                l.size(), l.population(), l.priority() == from ? to : l.priority()));
  }

  private static Capacity.Size less(Capacity.Size size) {
    if (size instanceof Capacity.Size.Share share) {
      return new Capacity.Size.Share(
          share.factor() * 0.5, Math.max(0, share.least() - 1), share.rounding());
    }
    return new Capacity.Size.Fixed(Math.max(1, ((Capacity.Size.Fixed) size).rows() - 1));
  }

  private static Broken ones() {
    return new Rewritten() {
      @Override
      Gate change(Gate gate) {
        return new Gate(Gate.Of.ONE, null, 1);
      }
    };
  }

  private static Broken afterDrop() {
    return new Rewritten() {
      @Override
      Router change(Router router) {
        Gate gate = router.gate();
        boolean drops = router.capacity() instanceof Capacity.Limited;
        return !drops || gate.normalise() == null
            ? router
            : with(
                router,
                router.selection(),
                new Gate(
                    gate.of(),
                    new Gate.Normalise(gate.normalise().epsilon(), true),
                    gate.scale(),
                    gate.jitter()),
                router.capacity());
      }
    };
  }

  private static Broken everySecond() {
    return new Rewritten() {
      @Override
      Selection change(Selection selection) {
        return selection instanceof Selection.TopK top ? new Selection.TopK(top.k()) : selection;
      }
    };
  }

  private static Broken fewerRows() {
    return new Rewritten() {
      @Override
      Selection change(Selection selection) {
        return selection instanceof Selection.ExpertChoice choice
            ? new Selection.ExpertChoice(less(choice.rows()))
            : selection;
      }
    };
  }

  private static Broken withoutTheLast() {
    return new Broken() {
      @Override
      Tensor change(Tensor tensor, Weights all) {
        if (!tensor.name().matches(".*\\.experts\\.\\d+\\.down\\..*")) {
          return tensor;
        }
        int number = Integer.parseInt(tensor.name().replaceAll(".*experts\\.(\\d+).*", "$1"));
        String next = tensor.name().replaceFirst("experts\\.\\d+", "experts." + (number + 1));
        return all.names().contains(next) ? tensor : zero(tensor);
      }
    };
  }

  static Broken zeroed(String names) {
    return new Broken() {
      @Override
      Tensor change(Tensor tensor, Weights all) {
        return tensor.name().matches(names) ? zero(tensor) : tensor;
      }
    };
  }

  private static Broken everyEvent() {
    return new Rewritten() {
      @Override
      Router change(Router router) {
        return router.source() != Source.PROMPT_MEAN
            ? router
            : router.with(Source.EVENT_MEAN, router.logits());
      }
    };
  }

  private static Broken keys() {
    return new Rewritten() {
      @Override
      Skip change(Skip skip) {
        Bypass keys = skip.keys() == Bypass.MASK ? Bypass.FREEZE_PROJECT : skip.keys();
        return new Skip(skip.router(), skip.operation(), keys);
      }
    };
  }

  private static Broken clamped() {
    return new Broken() {
      @Override
      Tensor change(Tensor tensor, Weights all) {
        if (!tensor.name().endsWith(".router.table")) {
          return tensor;
        }
        FloatBuffer table = Faults.numbers(tensor);
        for (int id = 0; id < table.limit(); id++) {
          float expert = table.get(id);
          table.put(id, expert == Math.rint(expert) && expert >= 0 && expert < 5 ? expert : 0);
        }
        return MemoryWeights.tensor(tensor.name(), tensor.shape(), table.array());
      }
    };
  }

  private static Broken streamed() {
    long[] loads = {0};
    return new Rewritten() {
      @Override
      Router change(Router router) {
        return router.logits() instanceof anabranch.model.route.Logits.Random random
            ? router.with(
                router.source(),
                new anabranch.model.route.Logits.Random(random.seed() + ++loads[0]))
            : router;
      }
    };
  }
}
