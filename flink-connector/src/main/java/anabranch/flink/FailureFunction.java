package anabranch.flink;

import org.apache.flink.annotation.PublicEvolving;
import org.apache.flink.api.common.functions.Function;

/**
 * Makes an entry of a side output of a record that could not be answered.
 *
 * @param <IN> the records
 * @param <F> the entries
 */
@PublicEvolving
@FunctionalInterface
public interface FailureFunction<IN, F> extends Function {
  /**
   * Returns the entry for a record. Called on the task's thread.
   *
   * @param record as it arrived
   * @param reason what the extractor threw, or an {@link anabranch.error.ExecutionException} of the
   *     first event that failed
   * @throws Exception any, which fails the task
   */
  F failure(IN record, Exception reason) throws Exception;
}
