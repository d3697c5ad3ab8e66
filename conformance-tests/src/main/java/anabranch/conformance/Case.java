package anabranch.conformance;

import anabranch.backend.Event;
import anabranch.conformance.reference.Decisions;
import anabranch.conformance.reference.Oracle;
import anabranch.conformance.reference.Verdict;
import anabranch.engine.Policy;
import anabranch.model.Exit;
import anabranch.model.ModelSpec;
import anabranch.model.Parameter;
import anabranch.weights.MemoryWeights;
import anabranch.weights.Tensor;
import anabranch.weights.Weights;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * A model with weights and items to run.
 *
 * @param name names the case in failures
 * @param spec the description
 * @param weights its weights
 * @param events the items, each from position 0
 */
public record Case(String name, ModelSpec spec, Weights weights, List<Event> events) {
  /** Copies the list. */
  public Case {
    events = List.copyOf(events);
  }

  /** Returns a case of a given model, with weights and items drawn from a seed. */
  static Case of(ModelSpec spec, long seed, int... rows) {
    SplittableRandom random = new SplittableRandom(~seed);
    List<Event> events = new ArrayList<>();
    for (int count : rows) {
      events.add(ModelSpace.events(spec, count, random));
    }
    return new Case(spec.name() + ", seed " + seed, spec, weights(spec, seed), events);
  }

  /**
   * Draws weights that keep every part visible in the answer: embeddings, routers and heads are
   * larger than usual, biases and norm scales are spread widely.
   */
  static Weights weights(ModelSpec spec, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    List<Tensor> tensors = new ArrayList<>();
    for (Parameter parameter : spec.parameters()) {
      String name = parameter.name();
      List<Integer> shape = parameter.shape();
      boolean vector = shape.size() == 1;
      boolean table = name.startsWith("embedding.") && !name.endsWith("weight");
      boolean loud = name.contains("router") || name.matches("(head|exits\\..*)\\.weight");
      double gain = loud ? 2 : 1;
      double spread = vector ? 0.4 : Math.sqrt(3) * (table ? 1 : gain / Math.sqrt(shape.get(1)));
      double centre = vector && name.endsWith("weight") ? 1 : 0;
      float[] values = new float[Math.toIntExact(parameter.elements())];
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) (centre + (2 * random.nextDouble() - 1) * spread);
      }
      tensors.add(MemoryWeights.tensor(name, shape, values));
    }
    return MemoryWeights.of(tensors);
  }

  /** Returns a policy under which about half of the units that come to an exit leave there. */
  Policy halfLeave(Oracle oracle) {
    Policy policy = Policy.named("half");
    List<Verdict> verdicts = new ArrayList<>();
    for (Event event : events) {
      verdicts.add(oracle.run(event, Decisions.by(Map.of())));
    }
    List<Exit> exits = spec.plan().exits();
    for (int point = 0; point < exits.size(); point++) {
      List<Double> scores = new ArrayList<>();
      for (Verdict verdict : verdicts) {
        for (int unit = 0; unit < verdict.units(); unit++) {
          scores.add(verdict.score(point, unit));
        }
      }
      scores.sort(null);
      int half = scores.size() / 2;
      policy = policy.with(exits.get(point).id(), (scores.get(half - 1) + scores.get(half)) / 2);
    }
    return policy;
  }

  /** Returns exits to force, drawn from a seed: a point for each unit of each item. */
  List<List<Integer>> anyExits(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    int points = spec.plan().exits().size() + 1;
    List<List<Integer>> all = new ArrayList<>();
    for (Event event : events) {
      List<Integer> exits = new ArrayList<>();
      for (int unit = 0; unit < units(event); unit++) {
        exits.add(random.nextInt(points));
      }
      all.add(exits);
    }
    return all;
  }

  int units(Event event) {
    return spec.head().pool().ofItem() ? 1 : event.rows();
  }
}
