/**
 * This room is for making hidden vectors of the rows of events; it is not for what happens to them
 * afterwards, and not for callers of the SDK.
 */
@NullMarked
package anabranch.onnx.embed;

import org.jspecify.annotations.NullMarked;
