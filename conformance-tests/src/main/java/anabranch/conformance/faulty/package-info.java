/**
 * This room is for backends that are broken on purpose: each has one fault, gives plausible numbers
 * of the right shape, and must be rejected by the tests that it names; it is not for use.
 */
@NullMarked
package anabranch.conformance.faulty;

import org.jspecify.annotations.NullMarked;
