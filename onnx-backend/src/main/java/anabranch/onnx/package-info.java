/**
 * This room is for running described models with ONNX Runtime: the backend, its options and its
 * devices; it is not for how that is done, which is no part of the API and lives next door.
 *
 * <p>Applications name the backend ({@code "onnx"}) or make an {@link anabranch.onnx.OnnxBackend};
 * the packages below this one may change at any time.
 */
@NullMarked
package anabranch.onnx;

import org.jspecify.annotations.NullMarked;
