package anabranch.flink;

import anabranch.engine.Inference;
import java.util.List;
import org.apache.flink.annotation.PublicEvolving;
import org.apache.flink.api.common.functions.Function;

/**
 * Makes one result of a record and its inferences.
 *
 * @param <IN> the records
 * @param <OUT> the results
 */
@PublicEvolving
@FunctionalInterface
public interface InferenceMapFunction<IN, OUT> extends Function {
  /**
   * Returns the result of a record. Called on the task's thread.
   *
   * @param record as it arrived
   * @param inferences one for each event of the record, in order; empty for a record without events
   * @throws Exception any, which fails the task
   */
  OUT map(IN record, List<Inference> inferences) throws Exception;
}
