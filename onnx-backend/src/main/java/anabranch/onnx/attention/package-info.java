/**
 * This room is for the core of attention on one sequence: its keys and values, its rotary angles
 * and the call that reads them; it is not for projections, and not for callers of the SDK.
 */
@NullMarked
package anabranch.onnx.attention;

import org.jspecify.annotations.NullMarked;
