/**
 * This room is for items in, inferences out: batching, exits, policies and listeners on top of any
 * backend; it is not for numbers.
 *
 * <p>An {@link anabranch.engine.Engine} owns a loaded model. There is a queue before each step of
 * its cut: items enter the first, which is bounded, and behind each step the policy decides who
 * leaves, jumps out of a loop or is dropped; the others go on to the queue of their next step.
 * Which queue a free lane serves is said by {@link anabranch.engine.schedule}. An item's answer
 * does not depend on its companions.
 */
@NullMarked
package anabranch.engine;

import org.jspecify.annotations.NullMarked;
