package anabranch.flink.step;

import anabranch.flink.update.ModelUpdate;
import java.io.Serializable;
import org.apache.flink.annotation.Internal;
import org.apache.flink.streaming.api.operators.AbstractStreamOperatorFactory;
import org.apache.flink.streaming.api.operators.ChainingStrategy;
import org.apache.flink.streaming.api.operators.OneInputStreamOperatorFactory;
import org.apache.flink.streaming.api.operators.StreamOperator;
import org.apache.flink.streaming.api.operators.StreamOperatorParameters;
import org.apache.flink.streaming.api.operators.TwoInputStreamOperatorFactory;
import org.apache.flink.streaming.api.operators.legacy.YieldingOperatorFactory;

/**
 * Makes the operators of one inference step, which has updates as a second input or none.
 *
 * <p>It says that its operators yield to the mailbox, so that Flink does not chain them behind a
 * source that emits from a thread of its own.
 */
@Internal
@SuppressWarnings("deprecation")
public final class StepFactory<IN, OUT> extends AbstractStreamOperatorFactory<OUT>
    implements OneInputStreamOperatorFactory<IN, OUT>,
        TwoInputStreamOperatorFactory<IN, ModelUpdate, OUT>,
        YieldingOperatorFactory<OUT> {
  private static final long serialVersionUID = 1L;

  private final Class<?> type;
  private final Maker<IN, OUT> maker;

  /** Makes an operator, where the task runs. */
  @FunctionalInterface
  public interface Maker<IN, OUT> extends Serializable {
    /** Returns a new operator. */
    InferenceOperator<IN, OUT, ?> make(StreamOperatorParameters<OUT> parameters);
  }

  /** Creates a factory of operators of one class. */
  public StepFactory(Class<?> type, Maker<IN, OUT> maker) {
    this.type = type;
    this.maker = maker;
    setChainingStrategy(ChainingStrategy.ALWAYS);
  }

  @Override
  @SuppressWarnings("unchecked")
  public <T extends StreamOperator<OUT>> T createStreamOperator(
      StreamOperatorParameters<OUT> parameters) {
    return (T) maker.make(parameters);
  }

  @Override
  @SuppressWarnings("rawtypes")
  public Class<? extends StreamOperator> getStreamOperatorClass(ClassLoader classLoader) {
    return type.asSubclass(StreamOperator.class);
  }
}
