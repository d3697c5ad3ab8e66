/**
 * This room is for coroutines in front of an {@link anabranch.engine.Engine}: one answer as a
 * suspending call, many as a flow; it is not for batching or deciding, which the engine does.
 */
package anabranch.flow;
