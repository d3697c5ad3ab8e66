/**
 * This room is for the order of a model's blocks: what runs, how often, and where units may leave,
 * be dropped, or be told in advance how deep to go; it is not for what a block computes.
 *
 * <p>A {@link anabranch.model.plan.Plan} is data apart from its blocks: one list of blocks, and
 * {@link anabranch.model.plan.Part}s that name them by number, in one order or in several.
 */
@NullMarked
package anabranch.model.plan;

import org.jspecify.annotations.NullMarked;
