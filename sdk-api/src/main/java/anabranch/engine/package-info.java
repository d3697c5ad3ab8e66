/**
 * This room is for items in, inferences out: batching, exits, policies and listeners on top of any
 * backend; it is not for numbers.
 *
 * <p>An {@link anabranch.engine.Engine} owns a loaded model. Items wait in a bounded queue, are
 * gathered by size and linger, and run through the steps of the model's cut side by side; behind
 * each step the policy decides who leaves, jumps out of a loop or is dropped, and the next step
 * runs the survivors (mode {@code COMPACT}). An item's answer does not depend on its companions.
 */
@NullMarked
package anabranch.engine;

import org.jspecify.annotations.NullMarked;
