package anabranch.conformance.reference;

import anabranch.conformance.reference.pass.Row;
import anabranch.conformance.reference.pass.Way;
import anabranch.model.layer.Bypass;
import org.jspecify.annotations.Nullable;

/** What becomes of one row on its way through one side of a model. Confined to one run. */
final class Fate {
  final Row row;

  /** Whether it still has decisions before it. */
  boolean asked = true;

  /** Blocks that it ran while it was asked. */
  int depth;

  /** The label of the last choice of depth; -1 for none. */
  int chosen = -1;

  /** How many times in a row its label has come; -1 before the first. */
  int equal = -1;

  int label = -1;

  private @Nullable Way left;
  private int resume;
  private Way between = Way.RUN;

  Fate(Row row) {
    this.row = row;
  }

  /** Returns how the row passes what comes before a step. */
  Way at(int step) {
    return left != null ? left : resume > step ? between : Way.RUN;
  }

  /** Rule A7: with a deferred bypass a row that left runs on, and is not asked again. */
  void leave(Bypass bypass) {
    asked = false;
    if (bypass != Bypass.DEFER_RECOMPUTE) {
      left = Way.around(bypass);
    }
  }

  /** Rule X8: a row that fired goes on behind the loop and passes the times between around. */
  void jump(int target, Bypass bypass) {
    resume = target;
    between = Way.around(bypass);
  }
}
