/**
 * This room is for a loaded model and its stages: how they are loaded, what a call of one brings
 * together and what it leaves; it is not for what happens inside a block, and not for callers of
 * the SDK.
 *
 * <p>Everything here is written so that a row's numbers have the same bits however rows are grouped
 * into calls, unless experts are fused or graphs are large: matrix products with constant weights
 * do not depend on their companions, the core of attention runs for one sequence at a time over key
 * ranges that depend on the row's place alone, and sums on the host run in a fixed order.
 */
@NullMarked
package anabranch.onnx.run;

import org.jspecify.annotations.NullMarked;
