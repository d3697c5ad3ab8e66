package anabranch.flink;

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
 * Makes the operators of one inference step; holds the recipe and no model.
 *
 * <p>It says that its operators yield to the mailbox, so that Flink does not chain them behind a
 * source that emits from a thread of its own.
 */
@Internal
@SuppressWarnings("deprecation")
final class MicroBatchInferenceOperatorFactory<IN, OUT> extends AbstractStreamOperatorFactory<OUT>
    implements OneInputStreamOperatorFactory<IN, OUT>, YieldingOperatorFactory<OUT> {
  private static final long serialVersionUID = 1L;

  private final ModelRecipe recipe;
  private final MicroBatchOptions options;
  private final ItemExtractor<IN> extractor;
  private final InferenceFlatMapFunction<IN, OUT> results;
  private final @Nullable Failures<IN, ?> failures;

  MicroBatchInferenceOperatorFactory(
      ModelRecipe recipe,
      MicroBatchOptions options,
      ItemExtractor<IN> extractor,
      InferenceFlatMapFunction<IN, OUT> results,
      @Nullable Failures<IN, ?> failures) {
    this.recipe = recipe;
    this.options = options;
    this.extractor = extractor;
    this.results = results;
    this.failures = failures;
    setChainingStrategy(ChainingStrategy.ALWAYS);
  }

  @Override
  @SuppressWarnings("unchecked")
  public <T extends StreamOperator<OUT>> T createStreamOperator(
      StreamOperatorParameters<OUT> parameters) {
    return (T)
        new MicroBatchInferenceOperator<>(
            parameters, recipe, options, extractor, results, failures);
  }

  @Override
  @SuppressWarnings("rawtypes")
  public Class<? extends StreamOperator> getStreamOperatorClass(ClassLoader classLoader) {
    return MicroBatchInferenceOperator.class;
  }
}
