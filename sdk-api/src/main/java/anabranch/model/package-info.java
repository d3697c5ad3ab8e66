/**
 * This room is for what a routed model is: immutable descriptions that are valid from birth; it is
 * not for weights or for running anything.
 *
 * <p>A {@link anabranch.model.ModelSpec} names an {@link anabranch.model.Input}, how its rows
 * become hidden vectors ({@link anabranch.model.Embedding}), a plan, and a final head; perhaps an
 * {@link anabranch.model.Encoder} before. Next door: what blocks compute ({@code
 * anabranch.model.layer}), in which order they run and where units leave ({@code
 * anabranch.model.plan}), how a router picks ({@code anabranch.model.route}), and what follows from
 * a description alone ({@code anabranch.model.facts}).
 *
 * <p>All types are immutable and safe for use by any thread.
 */
@NullMarked
package anabranch.model;

import org.jspecify.annotations.NullMarked;
