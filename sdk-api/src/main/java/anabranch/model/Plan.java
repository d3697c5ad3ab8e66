package anabranch.model;

import anabranch.error.Bounds;
import anabranch.error.DescriptionException;
import java.util.ArrayList;
import java.util.List;

/**
 * In which order blocks run and where units may leave; the end of the plan is the last exit and
 * always fires.
 *
 * @param parts blocks and exits in order; starts and ends with a block, no two exits adjoin
 */
public record Plan(List<Part> parts) {
  /** One entry of a plan. */
  public sealed interface Part permits Block, Exit {}

  /** Copies the list and checks it. */
  public Plan {
    parts = List.copyOf(parts);
    int depth = 0;
    int lastExit = 0;
    List<String> ids = new ArrayList<>();
    int blocks = (int) parts.stream().filter(Block.class::isInstance).count();
    Bounds.atLeast("plan.blocks.size", blocks, 1);
    for (Part part : parts) {
      if (part instanceof Exit exit) {
        Bounds.within("exit \"" + exit.id() + "\" depth", depth, 1, blocks - 1);
        Bounds.require(
            depth != lastExit,
            "exit \"" + exit.id() + "\" depth " + depth + " already has an exit");
        lastExit = depth;
        ids.add(exit.id());
      } else {
        depth++;
      }
    }
    Bounds.distinct("exit.id", ids);
  }

  /** Returns the blocks in order. */
  public List<Block> blocks() {
    return parts.stream().filter(Block.class::isInstance).map(Block.class::cast).toList();
  }

  /** Returns the exits in order, without the end. */
  public List<Exit> exits() {
    return parts.stream().filter(Exit.class::isInstance).map(Exit.class::cast).toList();
  }

  /** Returns how many blocks stand before the exit with this id. */
  public int depthOf(String exit) {
    int depth = 0;
    for (Part part : parts) {
      if (part instanceof Block) {
        depth++;
      } else if (part instanceof Exit found && found.id().equals(exit)) {
        return depth;
      }
    }
    throw new DescriptionException(
        "exit \"" + exit + "\" is not one of " + exits().stream().map(Exit::id).toList());
  }
}
