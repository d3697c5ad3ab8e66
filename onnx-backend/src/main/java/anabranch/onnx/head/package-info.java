/**
 * This room is for what stands behind a stage: the scores, labels and answers of its units; it is
 * not for thresholds, and not for callers of the SDK.
 */
@NullMarked
package anabranch.onnx.head;

import org.jspecify.annotations.NullMarked;
