/**
 * This room is for direct memory that is used again and again; it is not for what stands in it, and
 * not for callers of the SDK.
 */
@NullMarked
package anabranch.onnx.memory;

import org.jspecify.annotations.NullMarked;
