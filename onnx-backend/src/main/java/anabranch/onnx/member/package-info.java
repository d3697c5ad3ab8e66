/**
 * This room is for how the members that a router picks from compute: one by one, all in one graph,
 * or all in one operator; it is not for who goes to which of them, and not for callers of the SDK.
 */
@NullMarked
package anabranch.onnx.member;

import org.jspecify.annotations.NullMarked;
