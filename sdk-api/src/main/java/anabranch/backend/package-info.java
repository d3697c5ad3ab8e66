/**
 * This room is for the contract between the SDK and whatever computes numbers; it is not for
 * decisions between stages, and not for convenience.
 *
 * <p>A {@link anabranch.backend.Backend} loads a description and its weights and gives a {@link
 * anabranch.backend.LoadedModel}: the stages that the SDK derived from the description, no others.
 * A {@link anabranch.backend.Stage} runs packed rows of several sequences and returns rows and one
 * raw score for each unit that may leave. Who leaves is decided by the caller. Decisions inside a
 * stage, such as which experts a row sees, belong to the backend, under the rules of the
 * description.
 *
 * <p>No type here has more than seven methods to implement, and none that some backend must refuse.
 */
@NullMarked
package anabranch.backend;

import org.jspecify.annotations.NullMarked;
