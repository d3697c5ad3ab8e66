package anabranch.model.facts;

import anabranch.model.Block;
import java.util.List;

/**
 * A run of blocks between two decision points: what a backend loads and the engine schedules.
 *
 * @param index its place in the cut, from 0; stage 0 also embeds
 * @param firstBlock the index of its first block in the plan
 * @param blocks its blocks, in order
 * @param grouping what must be together in one call
 * @param mixes whether rows read other rows, so that frozen rows matter
 * @param keepsState whether earlier calls of a sequence leave something for later ones
 * @param point what is decided behind it
 */
public record StageSpec(
    int index,
    int firstBlock,
    List<Block> blocks,
    Grouping grouping,
    boolean mixes,
    boolean keepsState,
    Point point) {
  /** Copies the list. */
  public StageSpec {
    blocks = List.copyOf(blocks);
  }

  /** Returns whether event rows enter here and become hidden vectors. */
  public boolean embeds() {
    return index == 0;
  }
}
