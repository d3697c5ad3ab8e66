package anabranch.flink;

import anabranch.engine.Item;
import anabranch.model.Input;
import java.util.List;
import org.apache.flink.annotation.PublicEvolving;
import org.apache.flink.api.common.functions.Function;

/**
 * Reads a record as items with ids, policies or forced exits of their own; {@link EventExtractor}
 * is for records that need none of these.
 *
 * <p>Called on the task's thread when the record arrives. An implementation may be a {@link
 * org.apache.flink.api.common.functions.RichFunction}.
 *
 * @param <IN> the records
 */
@PublicEvolving
@FunctionalInterface
public interface ItemExtractor<IN> extends Function {
  /**
   * Returns the items of a record, each answered on its own; none for a record that holds nothing
   * to answer and gets its result without inference.
   *
   * @param record as it arrived; not to be changed
   * @param input what the model reads; an item has at most {@code input.maxLength()} rows
   * @throws Exception if the record cannot be read: it fails as if the model had failed on it
   */
  List<Item> items(IN record, Input input) throws Exception;
}
