package anabranch.model.facts;

import anabranch.model.Block;
import anabranch.model.Exit;
import anabranch.model.ModelSpec;
import anabranch.model.Plan;
import java.util.ArrayList;
import java.util.List;

/** Cuts a plan into stages at its decision points. Stateless. */
public final class Cut {
  private Cut() {}

  /** Returns the stages of a model, in the order of the plan; at least one. */
  public static List<StageSpec> of(ModelSpec spec) {
    List<StageSpec> stages = new ArrayList<>();
    List<Block> open = new ArrayList<>();
    int block = 0;
    for (Plan.Part part : spec.plan().parts()) {
      if (part instanceof Block next) {
        open.add(next);
        block++;
      } else if (part instanceof Exit exit) {
        stages.add(stage(spec, stages.size(), block, open, new Point.AtExit(exit)));
        open.clear();
      }
    }
    stages.add(stage(spec, stages.size(), block, open, new Point.End(spec.head())));
    return List.copyOf(stages);
  }

  private static StageSpec stage(
      ModelSpec spec, int index, int end, List<Block> blocks, Point point) {
    Dependence inside = index == 0 ? Dependence.of(spec.embedding()) : Dependence.TOKEN;
    for (Block block : blocks) {
      inside = inside.or(Dependence.of(block));
    }
    Grouping grouping = Grouping.of(inside.or(Dependence.of(point.head())));
    boolean mixes = blocks.stream().anyMatch(Block::mixes);
    boolean keeps = inside == Dependence.PREFIX;
    return new StageSpec(index, end - blocks.size(), blocks, grouping, mixes, keeps, point);
  }
}
