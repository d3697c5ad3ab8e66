package anabranch.flink;

import anabranch.backend.Event;
import anabranch.model.Input;
import java.util.List;
import org.apache.flink.annotation.PublicEvolving;
import org.apache.flink.api.common.functions.Function;

/**
 * Reads a record as the events a model is to answer.
 *
 * <p>Called on the task's thread when the record arrives. An implementation may be a {@link
 * org.apache.flink.api.common.functions.RichFunction}, for example to open a tokenizer.
 *
 * @param <IN> the records
 */
@PublicEvolving
@FunctionalInterface
public interface EventExtractor<IN> extends Function {
  /**
   * Returns the events of a record, each answered on its own: one for most records, several for a
   * record that was split, none for a record that holds nothing to answer and gets its result
   * without inference.
   *
   * @param record as it arrived; not to be changed
   * @param input what the model reads; an event has at most {@code input.maxLength()} rows
   * @throws Exception if the record cannot be read: it fails as if the model had failed on it
   */
  List<Event> events(IN record, Input input) throws Exception;
}
