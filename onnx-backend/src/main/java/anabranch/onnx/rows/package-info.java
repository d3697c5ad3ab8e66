/**
 * This room is for the rows of a call: their vectors between stages, and who of them runs in what
 * order; it is not for computing with them, and not for callers of the SDK.
 */
@NullMarked
package anabranch.onnx.rows;

import org.jspecify.annotations.NullMarked;
