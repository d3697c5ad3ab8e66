package anabranch.onnx.dispatch;

import anabranch.backend.Event;
import anabranch.onnx.call.StageRun;
import anabranch.onnx.rows.Packing;
import anabranch.routing.RoutedRows;
import org.jspecify.annotations.Nullable;

/** The rows of a call as a router sees them. Confined to one call. */
public final class RouterRows implements RoutedRows {
  private final StageRun run;
  private final Packing batch;
  private final boolean[] live;
  private final int[] span;
  private final Bank bank;

  /**
   * Creates a view.
   *
   * @param asking the places of rows that are asked are below this
   * @param bank knows what was decided for good
   */
  public RouterRows(StageRun run, int asking, Bank bank) {
    this.run = run;
    this.batch = run.call.batch();
    this.bank = bank;
    live = new boolean[batch.rows];
    for (int row = 0; row < run.packing.rows; row++) {
      live[run.packing.inBatch(row)] = run.packing.place(row) < asking;
    }
    span = new int[batch.rows];
    for (int s = 0; s < batch.spans.size(); s++) {
      for (int row = batch.first[s]; row < batch.first[s + 1]; row++) {
        span[row] = s;
      }
    }
  }

  @Override
  public int size() {
    return batch.rows;
  }

  @Override
  public boolean live(int row) {
    return live[row];
  }

  @Override
  public int span(int row) {
    return span[row];
  }

  @Override
  public int spans() {
    return batch.spans.size();
  }

  @Override
  public int position(int row) {
    return batch.position(row);
  }

  @Override
  public int firstPosition(int of) {
    return event(batch.first[of]).firstPosition();
  }

  @Override
  public int token(int row) {
    return event(row).token(batch.position(row));
  }

  @Override
  public long key(int row) {
    return event(row).key();
  }

  @Override
  public @Nullable Float kept(int of) {
    return bank.kept(run, of);
  }

  /** Returns the event that brought a row. */
  public Event event(int row) {
    return batch.spans.get(span[row]).rows().event(row - batch.first[span[row]]);
  }
}
