package anabranch.model.plan;

import anabranch.error.Bounds;
import anabranch.model.layer.Bypass;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Parts that run several times with the same weights.
 *
 * @param body what runs: {@link Part.Run} and {@link Part.Mean} alone; at least one
 * @param times how often it runs at most, in 1..1024
 * @param until what lets a unit out before; null to run every time
 */
public record Loop(List<Part> body, int times, @Nullable Halt until) implements Part {
  /** Copies the list and checks it. */
  public Loop {
    body = List.copyOf(body);
    Bounds.atLeast("loop.body.size", body.size(), 1);
    for (Part part : body) {
      Bounds.require(
          part instanceof Part.Run || part instanceof Part.Mean,
          "loop.body " + part + " is not a block");
    }
    Bounds.within("loop.times", times, 1, 1024);
  }

  /**
   * A unit goes on behind the loop, not to the end, when it fires. At the last time it goes on
   * anyway.
   *
   * @param id names the halt in policies, parameter names and reports; unique in its plan
   * @param pool which rows are scored: each on its own, or one vector for the item
   * @param criterion {@code LEARNED} or {@code SATURATION}, compared
   * @param bypass what a unit that is out still owes the times it jumps over
   */
  public record Halt(String id, Head.Pool pool, Criterion criterion, Bypass bypass) {
    /** Checks that the score needs no logits. */
    public Halt {
      Bounds.name("halt.id", id);
      Criterion.Score score = criterion.score();
      Bounds.require(
          score == Criterion.Score.LEARNED || score == Criterion.Score.SATURATION,
          "halt \"" + id + "\" criterion " + score + " is not LEARNED or SATURATION");
      Bounds.require(
          pool != Head.Pool.FLATTEN, "halt \"" + id + "\" pool FLATTEN has no single vector");
    }
  }
}
