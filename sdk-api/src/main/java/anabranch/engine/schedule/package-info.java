/**
 * This room is for the question which batch runs next: a state machine over queues, costs and a
 * clock that it is told; it is not for threads, and it never changes what an item is answered.
 */
@NullMarked
package anabranch.engine.schedule;

import org.jspecify.annotations.NullMarked;
