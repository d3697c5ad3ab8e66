/**
 * This room is for the format that ONNX Runtime reads: messages, constants, and products in the
 * numbers that are asked for; it is not for what a graph computes.
 *
 * <p>It needs no protobuf library, so that none clashes with the host's.
 */
@NullMarked
package anabranch.onnx.format;

import org.jspecify.annotations.NullMarked;
