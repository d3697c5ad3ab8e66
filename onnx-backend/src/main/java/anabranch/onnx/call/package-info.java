/**
 * This room is for the rows of one call on their way through steps, and what they have in common;
 * it is not for what a step computes, and not for callers of the SDK.
 *
 * <p>A {@link anabranch.onnx.call.StageRun} is some rows on their way; a step reads and moves them.
 * Where only some of them run an operation, its step starts another run on those and on the rows
 * that show them keys, so that steps need not know why a row does not run.
 */
@NullMarked
package anabranch.onnx.call;

import org.jspecify.annotations.NullMarked;
