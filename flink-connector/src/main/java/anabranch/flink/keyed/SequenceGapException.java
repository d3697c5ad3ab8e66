package anabranch.flink.keyed;

import org.apache.flink.annotation.PublicEvolving;
import org.apache.flink.util.FlinkException;

/** Records of a sequence are missing, or came late. */
@PublicEvolving
public final class SequenceGapException extends FlinkException {
  private static final long serialVersionUID = 1L;

  SequenceGapException(String id, long number, long last) {
    super("sequence \"" + id + "\": number " + number + " does not follow the last one, " + last);
  }
}
