package anabranch.flink.step;

import anabranch.error.ExecutionException;
import anabranch.flink.FailureFunction;
import java.io.Serializable;
import java.util.concurrent.CompletionException;
import org.apache.flink.annotation.Internal;
import org.apache.flink.streaming.api.operators.Output;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.util.OutputTag;

/** Where records go that cannot be answered, and as what. */
@Internal
public record Failures<IN, F>(OutputTag<F> tag, FailureFunction<IN, F> function)
    implements Serializable {
  /**
   * Returns the failure of an item; whatever is no item's fault fails the task.
   *
   * @throws CompletionException the argument, if no item is to blame
   */
  public static Exception blame(CompletionException failed) {
    if (failed.getCause() instanceof ExecutionException item
        && !(item.getCause() instanceof Error)) {
      return item;
    }
    throw failed;
  }

  /**
   * Sends a record aside.
   *
   * @param element holds the record, with its time stamp
   */
  public void send(StreamRecord<IN> element, Exception reason, Output<?> output) throws Exception {
    F failure = function.failure(element.getValue(), reason);
    output.collect(
        tag,
        element.hasTimestamp()
            ? new StreamRecord<>(failure, element.getTimestamp())
            : new StreamRecord<>(failure));
  }
}
