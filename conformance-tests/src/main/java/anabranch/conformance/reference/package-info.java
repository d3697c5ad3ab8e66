/**
 * This room is for what the numbers should be: an oracle in double precision and plain loops, and
 * the same arithmetic as a backend; it is not for speed.
 *
 * <p>The {@link anabranch.conformance.reference.Oracle} runs whole items, with every decision free
 * or forced. It shares no code with the engine, the cut into stages or the routing of the SDK.
 * {@link anabranch.conformance.reference.ReferenceBackend} puts stages, states and frozen rows
 * around the same parts and shows how a backend is written. The parts stand in rooms below: rows in
 * {@link anabranch.conformance.reference.part}, routers in {@link
 * anabranch.conformance.reference.route}, blocks in {@link anabranch.conformance.reference.block}.
 */
@NullMarked
package anabranch.conformance.reference;

import org.jspecify.annotations.NullMarked;
