package anabranch.flink;

import anabranch.engine.Inference;
import java.util.List;
import org.apache.flink.annotation.PublicEvolving;
import org.apache.flink.api.common.functions.Function;
import org.apache.flink.util.Collector;

/**
 * Makes any number of results of a record and its inferences.
 *
 * @param <IN> the records
 * @param <OUT> the results
 */
@PublicEvolving
@FunctionalInterface
public interface InferenceFlatMapFunction<IN, OUT> extends Function {
  /**
   * Hands the results of a record to a collector. Called on the task's thread.
   *
   * @param record as it arrived
   * @param inferences one for each event of the record, in order; empty for a record without events
   * @param out takes results, each with the time stamp of the record
   * @throws Exception any, which fails the task
   */
  void flatMap(IN record, List<Inference> inferences, Collector<OUT> out) throws Exception;
}
