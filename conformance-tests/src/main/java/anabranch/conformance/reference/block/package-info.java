/**
 * This room is for running blocks and heads on the rows of a call, with all that rows owe each
 * other: keys and values, frozen and skipped rows, populations; it is not for where units leave.
 */
@NullMarked
package anabranch.conformance.reference.block;

import org.jspecify.annotations.NullMarked;
