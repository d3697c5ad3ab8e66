package anabranch.conformance.space;

import anabranch.model.ModelSpec;
import anabranch.model.facts.Cut;
import anabranch.model.facts.Point;
import anabranch.model.facts.Step;
import anabranch.model.layer.Operation;
import anabranch.model.layer.Parameter;
import anabranch.model.route.Logits;
import anabranch.weights.MemoryWeights;
import anabranch.weights.Tensor;
import anabranch.weights.Weights;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;

/**
 * A model with weights and sequences to run.
 *
 * @param name names the case in failures
 * @param spec the description
 * @param weights its weights
 * @param sequences what runs
 */
public record Case(String name, ModelSpec spec, Weights weights, List<Sequence> sequences) {
  /** Copies the list. */
  public Case {
    sequences = List.copyOf(sequences);
  }

  /** Returns a case of a given model, with weights and events drawn from a seed. */
  public static Case of(ModelSpec spec, long seed, int... rows) {
    SplittableRandom random = new SplittableRandom(~seed);
    List<Sequence> sequences = new ArrayList<>();
    for (int count : rows) {
      sequences.add(ModelSpace.sequence(spec, count, sequences.size(), random));
    }
    return new Case(spec.name() + ", seed " + seed, spec, weights(spec, seed), sequences);
  }

  /** Returns this case with other weights. */
  public Case with(Weights others) {
    return new Case(name, spec, others, sequences);
  }

  /** Returns this case with other sequences. */
  public Case with(List<Sequence> others) {
    return new Case(name, spec, weights, others);
  }

  /**
   * Draws weights that keep every part visible in the answer: embeddings, routers and heads are
   * larger than usual, biases and norm scales are spread widely. Tables hold numbers of experts.
   */
  public static Weights weights(ModelSpec spec, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Map<String, Integer> tables = tables(spec);
    List<Tensor> tensors = new ArrayList<>();
    for (Parameter parameter : spec.parameters()) {
      String name = parameter.name();
      List<Integer> shape = parameter.shape();
      boolean vector = shape.size() == 1;
      boolean table = name.contains("embedding.") && !name.endsWith("weight");
      boolean loud =
          name.contains("router")
              || name.matches("(encoder\\.)?(head|exits\\..*|.*score)\\.weight");
      double gain = loud ? 2 : 1;
      double spread = vector ? 0.4 : Math.sqrt(3) * (table ? 1 : gain / Math.sqrt(shape.get(1)));
      double centre = vector && name.endsWith("weight") ? 1 : 0;
      Integer experts = tables.get(name);
      float[] values = new float[Math.toIntExact(parameter.elements())];
      for (int i = 0; i < values.length; i++) {
        values[i] =
            experts != null
                ? random.nextInt(experts)
                : (float) (centre + (2 * random.nextDouble() - 1) * spread);
      }
      tensors.add(MemoryWeights.tensor(name, shape, values));
    }
    return MemoryWeights.of(tensors);
  }

  /** Returns how many experts each routing table names, by the path of the table. */
  private static Map<String, Integer> tables(ModelSpec spec) {
    Map<String, Integer> tables = new HashMap<>();
    Stream.concat(
            spec.plan().blocks().stream(),
            spec.encoder() == null ? Stream.empty() : spec.encoder().plan().blocks().stream())
        .flatMap(block -> block.operations().stream())
        .forEach(operation -> table(operation, spec, tables));
    return tables;
  }

  private static void table(Operation operation, ModelSpec spec, Map<String, Integer> into) {
    if (operation.router() != null && operation.router().logits() instanceof Logits.TokenTable) {
      // A path is unknown here, but its name ends in the router's; the least number fits all.
      for (Parameter parameter : spec.parameters()) {
        if (parameter.name().endsWith(".router.table")) {
          into.merge(parameter.name(), operation.members(), Math::min);
        }
      }
    }
  }

  /** Returns exits to force, drawn from a seed: a step for each unit of each sequence. */
  public List<List<Integer>> anyExits(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    List<Integer> steps = exitSteps();
    List<List<Integer>> all = new ArrayList<>();
    for (Sequence sequence : sequences) {
      List<Integer> exits = new ArrayList<>();
      for (int unit = 0; unit < units(sequence); unit++) {
        exits.add(steps.get(random.nextInt(steps.size())));
      }
      all.add(exits);
    }
    return all;
  }

  /** Returns the steps behind which units may leave, the end last. */
  public List<Integer> exitSteps() {
    List<Integer> steps = new ArrayList<>();
    Cut cut = Cut.of(spec);
    for (Step step : cut.steps()) {
      boolean exit = step.stage().point() instanceof Point.AtExit && !step.stage().encoder();
      if (exit || step.stage().point() instanceof Point.End) {
        steps.add(step.index());
      }
    }
    return steps;
  }

  /** Returns how many units of the final head a sequence has. */
  public int units(Sequence sequence) {
    return spec.head().pool().ofItem() ? sequence.events().size() : sequence.rows();
  }

  /** Returns models that look back a little, and a long sequence cut into events. */
  public static List<Case> looking() {
    List<Case> cases = new ArrayList<>();
    long seed = 90;
    for (ModelSpec spec : Shapes.windowed()) {
      Case drawn = of(spec, seed++, 640);
      cases.add(drawn.with(List.of(drawn.sequences().get(0).cut(32))));
    }
    return cases;
  }

  /** Returns models that keep state in all ways there are, and sequences cut into events. */
  public static List<Case> inEvents() {
    List<Case> cases = new ArrayList<>();
    long seed = 60;
    for (ModelSpec spec : Shapes.incremental()) {
      Case drawn = of(spec, seed++, 9, 5, 7);
      List<Sequence> events = new ArrayList<>();
      int rows = 2;
      for (Sequence sequence : drawn.sequences()) {
        events.add(sequence.cut(rows++));
      }
      cases.add(drawn.with(events));
    }
    return cases;
  }
}
