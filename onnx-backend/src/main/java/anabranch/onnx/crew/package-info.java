/**
 * This room is for threads that share the independent parts of one call, and for cutting calls into
 * such parts; it is not for what a part computes, and not for callers of the SDK.
 */
@NullMarked
package anabranch.onnx.crew;

import org.jspecify.annotations.NullMarked;
