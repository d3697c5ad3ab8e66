/**
 * This room is for what the operators of all inference steps have in common: functions seen as
 * others, failures that go aside, metrics; it is not for operators.
 */
@NullMarked
package anabranch.flink.step;

import org.jspecify.annotations.NullMarked;
