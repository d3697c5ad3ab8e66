/**
 * This room is for what the numbers should be: an oracle in double precision and plain loops, and
 * the same arithmetic as a backend; it is not for speed.
 *
 * <p>The {@link anabranch.conformance.reference.Oracle} runs a whole item, with every decision free
 * or forced. It shares no code with the engine, the cut into stages or the routing of the SDK.
 * {@link anabranch.conformance.reference.ReferenceBackend} puts stages, states and frozen rows
 * around the same parts and shows how a backend is written. The parts, one for each piece of a
 * description, are package-private; shapes stand in comments as {@code [extent, extent]}.
 */
@NullMarked
package anabranch.conformance.reference;

import org.jspecify.annotations.NullMarked;
