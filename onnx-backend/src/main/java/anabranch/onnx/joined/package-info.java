/**
 * This room is for few large graphs: what lies between two places where rows of different positions
 * meet, or where the host decides, as one graph with its routing inside; not for what the parts
 * compute, which {@code anabranch.onnx.graph} writes, and not for the core of attention.
 */
@NullMarked
package anabranch.onnx.joined;

import org.jspecify.annotations.NullMarked;
