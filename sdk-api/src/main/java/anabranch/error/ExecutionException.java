package anabranch.error;

import org.jspecify.annotations.Nullable;

/** One item could not be answered; its companions in the batch are not affected. */
public final class ExecutionException extends AnabranchException {
  private static final long serialVersionUID = 1L;

  private final String item;
  private final int stage;

  /**
   * Creates the exception.
   *
   * @param item the id of the item
   * @param stage the stage that failed, or -1 when the item failed outside of any stage
   * @param message what happened
   * @param cause what the backend threw, if anything
   */
  public ExecutionException(String item, int stage, String message, @Nullable Throwable cause) {
    super(
        "item \"" + item + "\"" + (stage < 0 ? "" : " in stage " + stage) + ": " + message, cause);
    this.item = item;
    this.stage = stage;
  }

  /** Returns the id of the item that failed. */
  public String item() {
    return item;
  }

  /** Returns the stage that failed, or -1. */
  public int stage() {
    return stage;
  }
}
