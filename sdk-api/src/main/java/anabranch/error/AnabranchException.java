package anabranch.error;

import org.jspecify.annotations.Nullable;

/** The base of everything the SDK throws on purpose; callers that want one catch, catch this. */
public abstract class AnabranchException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  AnabranchException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
