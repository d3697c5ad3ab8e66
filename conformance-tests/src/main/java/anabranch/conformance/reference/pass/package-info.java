/**
 * This room is for the rows of one run of a block, what their sequences keep, and what routers did
 * with them; it is not for what blocks compute.
 *
 * <p>A {@link anabranch.conformance.reference.pass.Pass} is one run of one block; a {@link
 * anabranch.conformance.reference.pass.Memory} is what a sequence keeps from one to the next.
 */
@NullMarked
package anabranch.conformance.reference.pass;

import org.jspecify.annotations.NullMarked;
