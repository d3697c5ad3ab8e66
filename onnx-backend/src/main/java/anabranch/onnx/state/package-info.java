/**
 * This room is for what a sequence keeps between calls: keys and values, the numbers of
 * recurrences, decisions, token ids, and images of them; it is not for computing any of it, and not
 * for callers of the SDK.
 */
@NullMarked
package anabranch.onnx.state;

import org.jspecify.annotations.NullMarked;
