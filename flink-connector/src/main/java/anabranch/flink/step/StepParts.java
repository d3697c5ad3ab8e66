package anabranch.flink.step;

import anabranch.flink.InferenceFlatMapFunction;
import anabranch.flink.ItemExtractor;
import anabranch.flink.model.ModelRecipe;
import anabranch.flink.update.ModelRecipes;
import java.io.Serializable;
import java.util.stream.Stream;
import org.apache.flink.annotation.Internal;
import org.apache.flink.api.common.functions.Function;
import org.jspecify.annotations.Nullable;

/**
 * What every inference step of a job is made of; holds the recipe and no model.
 *
 * @param items reads a record
 * @param results makes results of a record and its inferences
 * @param failures where records go that cannot be answered; null if they fail the task
 * @param updates whether another stream says what answers
 * @param recipes what other versions of the model are made of; null if there are none
 */
@Internal
public record StepParts<IN, OUT>(
    ModelRecipe recipe,
    ItemExtractor<IN> items,
    InferenceFlatMapFunction<IN, OUT> results,
    @Nullable Failures<IN, ?> failures,
    boolean updates,
    @Nullable ModelRecipes recipes)
    implements Serializable {
  /** Creates a step that nobody updates. */
  public StepParts(
      ModelRecipe recipe,
      ItemExtractor<IN> items,
      InferenceFlatMapFunction<IN, OUT> results,
      @Nullable Failures<IN, ?> failures) {
    this(recipe, items, results, failures, false, null);
  }

  /** Returns the functions of the user, in the order in which they are opened. */
  public Stream<Function> functions() {
    Stream<Function> own = Stream.of(items, results);
    return failures == null ? own : Stream.concat(own, Stream.of(failures.function()));
  }
}
