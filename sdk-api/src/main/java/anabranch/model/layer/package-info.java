/**
 * This room is for what the blocks of a model compute: residual sublayers around one operation
 * each, and the tensors they need; it is not for the order of blocks.
 *
 * <p>A {@link anabranch.model.layer.Block} is a list of {@link anabranch.model.layer.Sublayer}s. An
 * {@link anabranch.model.layer.Operation} is attention, a recurrence, a feed-forward network, or a
 * bank of which a router picks members for each row: the experts of a {@link
 * anabranch.model.layer.Mixture}, the matrices that modulate another operation, the slices of one
 * network, or the single operation of a {@link anabranch.model.layer.Skip}. A chain may run fewer
 * rows than it answers.
 */
@NullMarked
package anabranch.model.layer;

import org.jspecify.annotations.NullMarked;
