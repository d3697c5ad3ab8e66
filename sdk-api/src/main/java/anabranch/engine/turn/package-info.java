/**
 * This room is for taking turns: a lock that says what is to be done when it is free again, lanes
 * that sleep until something may run, and those who wait for room; it is not for items, and not for
 * the question which batch runs next. Nothing here is meant for callers of an engine.
 */
@NullMarked
package anabranch.engine.turn;

import org.jspecify.annotations.NullMarked;
