/**
 * This room is for running blocks and heads on the rows of a call, with all that rows owe each
 * other: keys and values, frozen and skipped rows, populations; it is not for where units leave.
 *
 * <p>A {@link anabranch.conformance.reference.block.Pass} is one run of one block; a {@link
 * anabranch.conformance.reference.block.Memory} is what a sequence keeps from one to the next.
 */
@NullMarked
package anabranch.conformance.reference.block;

import org.jspecify.annotations.NullMarked;
