package anabranch.model.plan;

import anabranch.error.Bounds;
import java.util.List;
import java.util.Set;

/** One entry of a plan. */
public sealed interface Part permits Part.Run, Part.Mean, Loop, DepthChoice, Prune, Exit {
  /**
   * One block runs.
   *
   * @param block its number in the plan's list
   */
  record Run(int block) implements Part {
    /** Checks the bound. */
    public Run {
      Bounds.atLeast("run.block", block, 0);
    }
  }

  /**
   * Several blocks run on the same rows, and the mean of their results goes on (Sun et al.,
   * Transformer Layers as Painters).
   *
   * @param blocks their numbers, distinct; at least one
   */
  record Mean(List<Integer> blocks) implements Part {
    /** Copies the list and checks it. */
    public Mean {
      blocks = List.copyOf(blocks);
      Bounds.atLeast("mean.blocks.size", blocks.size(), 1);
      blocks.forEach(block -> Bounds.atLeast("mean.blocks", block, 0));
      Bounds.require(
          blocks.size() == Set.copyOf(blocks).size(),
          "mean.blocks " + blocks + " names a block twice");
    }
  }
}
