/**
 * This room is for what a routed model is: immutable descriptions that are valid from birth; it is
 * not for weights or for running anything.
 *
 * <p>A {@link anabranch.model.ModelSpec} names an {@link anabranch.model.Input}, how its rows
 * become hidden vectors ({@link anabranch.model.Embedding}), a {@link anabranch.model.Plan} of
 * blocks and exits, and a final {@link anabranch.model.Head}. A block is a list of residual {@link
 * anabranch.model.Sublayer}s, each around one {@link anabranch.model.Operation}. How a mixture
 * picks its experts is described next door, in {@code anabranch.model.route}; what follows from a
 * description alone (parameters, stages, cost, dependence) is computed in {@code
 * anabranch.model.facts}.
 *
 * <p>All types are immutable and safe for use by any thread.
 */
@NullMarked
package anabranch.model;

import org.jspecify.annotations.NullMarked;
