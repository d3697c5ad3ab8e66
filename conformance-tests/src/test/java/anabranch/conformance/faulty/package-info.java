/**
 * This room is for backends broken on purpose, each in one way that a test of the kit must reject;
 * it is not for faults that no rule forbids.
 */
@NullMarked
package anabranch.conformance.faulty;

import org.jspecify.annotations.NullMarked;
