package anabranch.flink.keyed;

import java.io.Serializable;
import java.util.Objects;
import java.util.stream.Stream;
import org.apache.flink.api.common.functions.FilterFunction;
import org.apache.flink.api.common.functions.Function;
import org.jspecify.annotations.Nullable;

/**
 * What records say of their place in a sequence.
 *
 * @param numbers which record of the sequence it is; null if records do not say
 * @param ends whether it is the last; null if none is
 */
record Marks<IN>(@Nullable NumberExtractor<IN> numbers, @Nullable FilterFunction<IN> ends)
    implements Serializable {
  Stream<Function> functions() {
    return Stream.<Function>of(numbers, ends).filter(Objects::nonNull);
  }
}
