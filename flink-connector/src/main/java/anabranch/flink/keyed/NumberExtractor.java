package anabranch.flink.keyed;

import org.apache.flink.annotation.PublicEvolving;
import org.apache.flink.api.common.functions.Function;

/**
 * Says which record of its key's sequence a record is.
 *
 * @param <IN> the records
 */
@PublicEvolving
@FunctionalInterface
public interface NumberExtractor<IN> extends Function {
  /**
   * Returns the number of a record: one more than that of the record before. A sequence may begin
   * with any number. Called on the task's thread when the record arrives.
   *
   * @throws Exception if the record cannot be read: it fails as if the model had failed on it
   */
  long number(IN record) throws Exception;
}
