package anabranch.error;

/** A model description, policy or option cannot exist as written; the message names the field. */
public final class DescriptionException extends AnabranchException {
  private static final long serialVersionUID = 1L;

  /**
   * Creates the exception.
   *
   * @param message the field, its value and the bound it misses
   */
  public DescriptionException(String message) {
    super(message, null);
  }

  /**
   * Creates the exception with the failure beneath it.
   *
   * @param message the field, its value and the bound it misses
   * @param cause what was caught
   */
  public DescriptionException(String message, Throwable cause) {
    super(message, cause);
  }
}
