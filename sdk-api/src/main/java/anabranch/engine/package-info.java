/**
 * This room is for items in, inferences out: batching, exits, policies and listeners on top of any
 * backend; it is not for numbers.
 *
 * <p>An {@link anabranch.engine.Engine} owns a loaded model. Items wait in a bounded queue, are
 * gathered by size and linger, and run stage by stage; behind each stage the policy decides who
 * leaves, and the next stage runs the survivors (mode {@code COMPACT}). An item's answer does not
 * depend on its companions.
 */
@NullMarked
package anabranch.engine;

import org.jspecify.annotations.NullMarked;
