/**
 * This room is for rows on their way: which of them run in a step, where their hidden vectors lie,
 * what they still owe to steps that they left, and how many bytes they hold; it is not for
 * decisions, queues or threads. Nothing here is meant for callers of an engine.
 */
@NullMarked
package anabranch.engine.rows;

import org.jspecify.annotations.NullMarked;
