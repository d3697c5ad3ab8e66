package anabranch.flink.step;

import anabranch.engine.Inference;
import anabranch.flink.InferenceFlatMapFunction;
import anabranch.flink.InferenceMapFunction;
import java.util.List;
import org.apache.flink.annotation.Internal;
import org.apache.flink.api.common.functions.WrappingFunction;
import org.apache.flink.util.Collector;

/** A function with one result, seen as one with any number. */
@Internal
public final class OneResult<IN, OUT> extends WrappingFunction<InferenceMapFunction<IN, OUT>>
    implements InferenceFlatMapFunction<IN, OUT> {
  private static final long serialVersionUID = 1L;

  /** Wraps a function. */
  public OneResult(InferenceMapFunction<IN, OUT> function) {
    super(function);
  }

  @Override
  public void flatMap(IN record, List<Inference> inferences, Collector<OUT> out) throws Exception {
    out.collect(getWrappedFunction().map(record, inferences));
  }
}
