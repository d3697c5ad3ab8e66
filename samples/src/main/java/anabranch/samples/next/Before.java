package anabranch.samples.next;

import anabranch.samples.surprise.Windows;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;
import org.jspecify.annotations.Nullable;

/**
 * Puts the byte before it beside each byte of a writer, and ends a line at its line feed or when it
 * is as long as the model can read. Confined to a task.
 */
final class Before extends RichMapFunction<Keystroke, Step> {
  private static final long serialVersionUID = 1L;

  /** The byte before, and how many the line has; nothing at the beginning of a line. */
  private transient @Nullable ValueState<Tuple2<Integer, Integer>> line;

  @Override
  public void open(OpenContext context) {
    line =
        getRuntimeContext()
            .getState(new ValueStateDescriptor<>("line", Types.TUPLE(Types.INT, Types.INT)));
  }

  @Override
  public Step map(Keystroke stroke) throws Exception {
    ValueState<Tuple2<Integer, Integer>> state = line;
    if (state == null) {
      throw new IllegalStateException("the function is not open");
    }
    Tuple2<Integer, Integer> so = state.value();
    int before = so == null ? Windows.BEGIN : so.f0;
    int length = so == null ? 1 : so.f1 + 1;
    boolean last = stroke.value() == '\n' || length == Windows.LENGTH;
    if (last) {
      state.clear();
    } else {
      state.update(Tuple2.of(stroke.value(), length));
    }
    return new Step(stroke.writer(), stroke.number(), before, stroke.value(), last);
  }
}
