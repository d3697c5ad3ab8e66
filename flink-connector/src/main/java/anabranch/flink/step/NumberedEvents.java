package anabranch.flink.step;

import anabranch.backend.Event;
import anabranch.engine.Item;
import anabranch.flink.EventExtractor;
import anabranch.flink.ItemExtractor;
import anabranch.model.Input;
import java.util.List;
import org.apache.flink.annotation.Internal;
import org.apache.flink.api.common.functions.WrappingFunction;
import org.jspecify.annotations.Nullable;

/** Events as items, named after subtask, record and place in the record. Confined to a task. */
@Internal
public final class NumberedEvents<IN> extends WrappingFunction<EventExtractor<IN>>
    implements ItemExtractor<IN> {
  private static final long serialVersionUID = 1L;

  private long records;
  private transient @Nullable String subtask;

  /** Wraps a function. */
  public NumberedEvents(EventExtractor<IN> extractor) {
    super(extractor);
  }

  @Override
  public List<Item> items(IN record, Input input) throws Exception {
    String first = subtask;
    if (first == null) {
      first = getRuntimeContext().getTaskInfo().getIndexOfThisSubtask() + "-";
      subtask = first;
    }
    long number = records++;
    List<Event> events = getWrappedFunction().events(record, input);
    Item[] items = new Item[events.size()];
    for (int n = 0; n < items.length; n++) {
      items[n] = Item.of(first + number + "." + n, events.get(n));
    }
    return List.of(items);
  }
}
