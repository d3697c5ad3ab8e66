/**
 * This room is for who goes to which member of what a router picks from, and for adding up what the
 * members made; it is not for what members compute, and not for callers of the SDK.
 */
@NullMarked
package anabranch.onnx.dispatch;

import org.jspecify.annotations.NullMarked;
