/**
 * This room is for running described models with ONNX Runtime: the backend, its options and its
 * devices; it is not for how that is done, which is no part of the API and lives next door.
 *
 * <p>Applications name the backend ({@code "onnx"}) or make an {@link anabranch.onnx.OnnxBackend};
 * everything in {@code anabranch.onnx.graph}, {@code anabranch.onnx.session} and {@code
 * anabranch.onnx.run} may change at any time.
 */
@NullMarked
package anabranch.onnx;

import org.jspecify.annotations.NullMarked;
