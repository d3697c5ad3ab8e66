package anabranch.flink.keyed;

import org.apache.flink.annotation.PublicEvolving;
import org.apache.flink.util.FlinkException;

/** A sequence broke: an event of it failed when some steps of the model had it and others not. */
@PublicEvolving
public final class BrokenSequenceException extends FlinkException {
  private static final long serialVersionUID = 1L;

  BrokenSequenceException(String message) {
    super(message);
  }

  BrokenSequenceException(String message, Throwable reason) {
    super(message + ": " + reason.getMessage(), reason);
  }
}
