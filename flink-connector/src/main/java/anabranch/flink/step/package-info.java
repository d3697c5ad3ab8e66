/**
 * This room is for what all inference steps have in common: the operator that each of them extends,
 * places in a stream, functions seen as others, failures that go aside, metrics; it is not for what
 * one step alone does.
 */
@NullMarked
package anabranch.flink.step;

import org.jspecify.annotations.NullMarked;
