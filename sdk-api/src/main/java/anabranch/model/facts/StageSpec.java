package anabranch.model.facts;

import anabranch.model.layer.Block;
import anabranch.model.layer.Bypass;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A run of blocks between two decision points: what a backend loads and the engine schedules.
 *
 * @param index its place in the cut, from 0
 * @param encoder whether it belongs to the encoder
 * @param embeds whether event rows enter here and become hidden vectors
 * @param visits what runs, in order; may be empty
 * @param grouping what must be together in one call
 * @param mixes whether rows read other rows, so that frozen rows matter
 * @param keepsState whether it reads or leaves anything of its sequence between calls
 * @param frozen how rows pass it that have left; null where none do
 * @param point what is decided behind it
 */
public record StageSpec(
    int index,
    boolean encoder,
    boolean embeds,
    List<Visit> visits,
    Grouping grouping,
    boolean mixes,
    boolean keepsState,
    @Nullable Bypass frozen,
    Point point) {
  /** Copies the list. */
  public StageSpec {
    visits = List.copyOf(visits);
  }

  /** Returns the blocks that run, in order, repeated where they run again. */
  public List<Block> blocks() {
    return visits.stream().flatMap(v -> v.blocks().stream()).map(Visit.Member::block).toList();
  }
}
