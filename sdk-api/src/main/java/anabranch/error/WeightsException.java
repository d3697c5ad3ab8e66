package anabranch.error;

import org.jspecify.annotations.Nullable;

/** A weight file or a named tensor is damaged, missing, surplus or of the wrong shape. */
public final class WeightsException extends AnabranchException {
  private static final long serialVersionUID = 1L;

  /**
   * Creates the exception.
   *
   * @param message the file or tensor, the value found and the bound
   */
  public WeightsException(String message) {
    super(message, null);
  }

  /**
   * Creates the exception with the failure beneath it.
   *
   * @param message the file or tensor, the value found and the bound
   * @param cause what was caught
   */
  public WeightsException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
