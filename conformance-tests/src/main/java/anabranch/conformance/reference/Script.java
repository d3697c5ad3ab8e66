package anabranch.conformance.reference;

import anabranch.conformance.reference.block.BlockPart;
import anabranch.conformance.reference.part.EmbeddingPart;
import anabranch.conformance.reference.part.Parameters;
import anabranch.model.Embedding;
import anabranch.model.Input;
import anabranch.model.plan.Criterion.Score;
import anabranch.model.plan.DepthChoice;
import anabranch.model.plan.Exit;
import anabranch.model.plan.Head;
import anabranch.model.plan.Loop;
import anabranch.model.plan.Part;
import anabranch.model.plan.Plan;
import anabranch.model.plan.Prune;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** One side of a model written out: every run of a block and every decision, in order. */
final class Script {
  final String prefix;
  final EmbeddingPart embedding;
  final List<Act> acts = new ArrayList<>();

  /** The number of the step behind the last. */
  int steps;

  private final Plan plan;
  private final int rows;
  private final Parameters parameters;
  private final List<BlockPart> blocks = new ArrayList<>();
  private final Map<Integer, Integer> runs = new HashMap<>();
  private final Map<Integer, Integer> begun = new HashMap<>();
  private final int firstStep;
  private int chosen;

  /** Something that happens. */
  sealed interface Act permits Visit, Decide {}

  /**
   * Blocks run on the same rows.
   *
   * @param step the decision that comes next
   * @param blocks usually one
   * @param runs beside the blocks, what stands behind their paths in the names of this run
   */
  record Visit(int step, List<BlockPart> blocks, List<String> runs) implements Act {}

  /**
   * Something is decided.
   *
   * @param step its number
   * @param part the part of the plan; null where a loop begins, and at the end
   * @param point what is scored; null where a loop begins
   * @param number the time of a loop, or of an exit the place among those that obey a choice
   * @param target of a halt, the step at which units go on
   */
  record Decide(int step, @Nullable Part part, @Nullable PointPart point, int number, int target)
      implements Act {}

  Script(
      String prefix,
      Input input,
      Embedding embedding,
      Plan plan,
      @Nullable Head head,
      int firstStep,
      Parameters parameters) {
    this.prefix = prefix;
    this.embedding = new EmbeddingPart(input, embedding, prefix + "embedding", parameters);
    this.plan = plan;
    this.parameters = parameters;
    this.firstStep = firstStep;
    rows = input.maxLength();
    steps = firstStep;
    for (int b = 0; b < plan.blocks().size(); b++) {
      String path = prefix + "blocks." + b;
      blocks.add(new BlockPart(plan.blocks().get(b), path, b, parameters));
    }
    plan.order().forEach(this::count);
    plan.order().forEach(this::write);
    Head.Pool pool = head == null ? Head.Pool.MEAN : head.pool();
    decide(null, PointPart.of(pool, null, head, "head", rows, parameters), 0, 0);
  }

  /** Returns whether no decision stands before a step. */
  boolean first(int step) {
    return step == firstStep;
  }

  private void count(Part part) {
    if (part instanceof Part.Run run) {
      runs.merge(run.block(), 1, Integer::sum);
    } else if (part instanceof Part.Mean mean) {
      mean.blocks().forEach(block -> runs.merge(block, 1, Integer::sum));
    } else if (part instanceof Loop loop) {
      for (int time = 0; time < loop.times(); time++) {
        loop.body().forEach(this::count);
      }
    }
  }

  private void write(Part part) {
    if (part instanceof Part.Run run) {
      visit(List.of(run.block()));
    } else if (part instanceof Part.Mean mean) {
      visit(mean.blocks());
    } else if (part instanceof Loop loop) {
      loop(loop, loop.until());
    } else if (part instanceof Exit exit) {
      exit(exit);
    } else if (part instanceof Prune prune) {
      String path = prefix + "prunes." + prune.id();
      decide(part, PointPart.of(prune, path, rows, parameters), 0, 0);
    } else if (part instanceof DepthChoice choice) {
      chosen = 0;
      String path = prefix + "choices." + choice.id();
      decide(part, PointPart.of(choice, path, rows, parameters), 0, 0);
    }
  }

  private void exit(Exit exit) {
    Head.Pool pool = exit.head() == null ? Head.Pool.MEAN : exit.head().pool();
    Score score = exit.criterion().score();
    int number = score == Score.CHOSEN ? chosen++ : 0;
    decide(exit, point(pool, score, exit.head(), prefix + "exits." + exit.id()), number, 0);
  }

  private void loop(Loop loop, Loop.@Nullable Halt halt) {
    boolean alone = acts.isEmpty() || acts.get(acts.size() - 1) instanceof Visit;
    if (halt != null && alone) {
      decide(null, null, 0, 0);
    }
    int target = steps + loop.times();
    for (int time = 0; time < loop.times(); time++) {
      loop.body().forEach(this::write);
      if (halt != null) {
        String path = prefix + "halts." + halt.id();
        PointPart point = point(halt.pool(), halt.criterion().score(), null, path);
        decide(loop, point, time, target);
      }
    }
  }

  private PointPart point(Head.Pool pool, Score score, @Nullable Head head, String path) {
    return PointPart.of(pool, score, head, path, rows, parameters);
  }

  private void visit(List<Integer> numbers) {
    List<String> names = new ArrayList<>();
    for (int number : numbers) {
      int run = begun.merge(number, 1, Integer::sum) - 1;
      names.add(runs.getOrDefault(number, 0) > 1 ? "#" + run : "");
    }
    acts.add(new Visit(steps, numbers.stream().map(blocks::get).toList(), names));
  }

  private void decide(@Nullable Part part, @Nullable PointPart point, int number, int target) {
    acts.add(new Decide(steps++, part, point, number, target));
  }
}
