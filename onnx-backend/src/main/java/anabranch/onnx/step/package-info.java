/**
 * This room is for running the rows of a call through the steps of a block; it is not for what
 * enters a stage or stands behind it, and not for callers of the SDK.
 *
 * <p>A {@link anabranch.onnx.step.StageRun} is some rows on their way; a step reads and moves them.
 * Where only some of them run an operation, its step starts another run on those and on the rows
 * that show them keys, so that steps need not know why a row does not run.
 */
@NullMarked
package anabranch.onnx.step;

import org.jspecify.annotations.NullMarked;
