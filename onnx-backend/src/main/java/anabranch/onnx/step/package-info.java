/**
 * This room is for running the rows of a call through the steps of a block; it is not for what
 * enters a stage or stands behind it, and not for callers of the SDK.
 */
@NullMarked
package anabranch.onnx.step;

import org.jspecify.annotations.NullMarked;
