/**
 * This room is for inference inside Flink jobs: the operators and the doors to them; it is not for
 * computing anything.
 *
 * <p>Start at {@link anabranch.flink.MicroBatchInference}.
 */
@NullMarked
package anabranch.flink;

import org.jspecify.annotations.NullMarked;
