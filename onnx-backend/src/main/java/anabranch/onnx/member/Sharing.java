package anabranch.onnx.member;

import anabranch.onnx.crew.Crew;
import anabranch.onnx.crew.Parts;
import anabranch.onnx.dispatch.Dispatch;

/**
 * How members run their rows on the threads of a crew: those with more rows first, and some in
 * pieces, so that all threads end together. Immutable; any thread.
 *
 * @param crew shares them
 * @param weights how many a member has
 */
public record Sharing(Crew crew, long weights) {
  /** How many rows of a member are worth a part of their own: below, to read its weights costs. */
  private static final int LEAST_ROWS = 32;

  /** What to read a weight costs, in multiplications. */
  private static final int READ = 8;

  /** Multiplications that take longer than to wake a thread and to wait for it. */
  private static final long LEAST_WORK = 2_000_000;

  /** Runs some slots of a member, which follow each other. */
  interface Piece {
    /** Does so. */
    void run(int member, int first, int count);
  }

  /** Returns whether several threads are faster. */
  boolean pays(Dispatch dispatch) {
    if (crew.threads() == 1 || dispatch.size() < 2) {
      return false;
    }
    long rows = dispatch.size() + (long) READ * dispatch.busy(dispatch.members());
    return rows * weights >= LEAST_WORK;
  }

  /** Runs all slots of all members, on several threads where that pays. */
  void run(Dispatch dispatch, Piece piece) {
    if (pays(dispatch)) {
      Parts parts = Parts.of(dispatch.counts(), crew.threads(), LEAST_ROWS);
      crew.run(
          parts.count(),
          part -> {
            int member = parts.call(part);
            piece.run(member, dispatch.first(member) + parts.first(part), parts.rows(part));
          });
      return;
    }
    for (int member = 0; member < dispatch.members(); member++) {
      if (dispatch.count(member) > 0) {
        piece.run(member, dispatch.first(member), dispatch.count(member));
      }
    }
  }
}
