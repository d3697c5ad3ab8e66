package anabranch.model.facts;

import anabranch.model.layer.Block;
import java.util.List;

/**
 * One place in a stage where a block runs, or where several run on the same rows and their mean
 * goes on.
 *
 * @param blocks what runs; usually one
 */
public record Visit(List<Member> blocks) {
  /** Copies the list. */
  public Visit {
    blocks = List.copyOf(blocks);
  }

  /**
   * A block and where its parameters stand.
   *
   * @param path such as {@code "blocks.3"}; blocks of one path share their weights
   * @param index its number in the plan, which random routers hash
   * @param block what runs
   */
  public record Member(String path, int index, Block block) {}
}
