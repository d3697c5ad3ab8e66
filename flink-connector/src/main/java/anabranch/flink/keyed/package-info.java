/**
 * This room is for sequences that go on event by event inside Flink jobs: one for each key, kept in
 * Flink's state; it is not for records that are answered on their own.
 *
 * <p>Start at {@link anabranch.flink.keyed.KeyedSequenceInference}.
 */
@NullMarked
package anabranch.flink.keyed;

import org.jspecify.annotations.NullMarked;
