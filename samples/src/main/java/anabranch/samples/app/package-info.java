/**
 * This room is for the smallest application in coroutines: a flow of events in, a flow of scores
 * out; it is not for how a text is read from many places.
 */
@NullMarked
package anabranch.samples.app;

import org.jspecify.annotations.NullMarked;
