package anabranch.flink.keyed;

import anabranch.flink.InferenceFlatMapFunction;
import anabranch.flink.model.ModelRecipe;
import anabranch.flink.step.Failures;
import org.apache.flink.annotation.Internal;
import org.apache.flink.streaming.api.operators.AbstractStreamOperatorFactory;
import org.apache.flink.streaming.api.operators.ChainingStrategy;
import org.apache.flink.streaming.api.operators.OneInputStreamOperatorFactory;
import org.apache.flink.streaming.api.operators.StreamOperator;
import org.apache.flink.streaming.api.operators.StreamOperatorParameters;
import org.apache.flink.streaming.api.operators.legacy.YieldingOperatorFactory;
import org.jspecify.annotations.Nullable;

/**
 * Makes the operators of one step of sequences; holds the recipe and no model.
 *
 * <p>It says that its operators yield to the mailbox, so that Flink does not chain them behind a
 * source that emits from a thread of its own.
 */
@Internal
@SuppressWarnings("deprecation")
final class KeyedSequenceInferenceOperatorFactory<IN, OUT>
    extends AbstractStreamOperatorFactory<OUT>
    implements OneInputStreamOperatorFactory<IN, OUT>, YieldingOperatorFactory<OUT> {
  private static final long serialVersionUID = 1L;

  private final ModelRecipe recipe;
  private final SequenceOptions options;
  private final Reading<IN> reading;
  private final InferenceFlatMapFunction<IN, OUT> results;
  private final @Nullable Failures<IN, ?> failures;

  KeyedSequenceInferenceOperatorFactory(
      ModelRecipe recipe,
      SequenceOptions options,
      Reading<IN> reading,
      InferenceFlatMapFunction<IN, OUT> results,
      @Nullable Failures<IN, ?> failures) {
    this.recipe = recipe;
    this.options = options;
    this.reading = reading;
    this.results = results;
    this.failures = failures;
    setChainingStrategy(ChainingStrategy.ALWAYS);
  }

  @Override
  @SuppressWarnings("unchecked")
  public <T extends StreamOperator<OUT>> T createStreamOperator(
      StreamOperatorParameters<OUT> parameters) {
    return (T)
        new KeyedSequenceInferenceOperator<>(
            parameters, recipe, options, reading, results, failures);
  }

  @Override
  @SuppressWarnings("rawtypes")
  public Class<? extends StreamOperator> getStreamOperatorClass(ClassLoader classLoader) {
    return KeyedSequenceInferenceOperator.class;
  }
}
