package anabranch.flink.step;

import anabranch.backend.Event;
import anabranch.engine.Item;
import anabranch.flink.EventExtractor;
import anabranch.flink.ItemExtractor;
import anabranch.model.Input;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.annotation.Internal;
import org.apache.flink.api.common.functions.WrappingFunction;

/** Events as items, named after subtask, record and place in the record. Confined to a task. */
@Internal
public final class NumberedEvents<IN> extends WrappingFunction<EventExtractor<IN>>
    implements ItemExtractor<IN> {
  private static final long serialVersionUID = 1L;

  private long records;

  /** Wraps a function. */
  public NumberedEvents(EventExtractor<IN> extractor) {
    super(extractor);
  }

  @Override
  public List<Item> items(IN record, Input input) throws Exception {
    String id = getRuntimeContext().getTaskInfo().getIndexOfThisSubtask() + "-" + records++;
    List<Item> items = new ArrayList<>();
    for (Event event : getWrappedFunction().events(record, input)) {
      items.add(Item.of(id + "." + items.size(), event));
    }
    return items;
  }
}
