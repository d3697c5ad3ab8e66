package anabranch.backend;

import java.util.List;

/**
 * One call of a stage.
 *
 * @param slot names the state to use: a stage that a plan visits twice has two slots
 * @param spans rows of one sequence each, at most one span for a state
 * @param trace whether decisions inside the stage are to be reported
 */
public record StageBatch(int slot, List<Span> spans, boolean trace) {
  /** Copies the list. */
  public StageBatch {
    spans = List.copyOf(spans);
  }

  /** Returns the number of rows of all spans. */
  public int size() {
    int rows = 0;
    for (int s = 0; s < spans.size(); s++) {
      rows += spans.get(s).rows().size();
    }
    return rows;
  }
}
