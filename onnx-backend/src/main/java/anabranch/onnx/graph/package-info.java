/**
 * This room is for turning descriptions into ONNX graphs, those of a stage; it is not for running
 * them, and not for callers of the SDK.
 *
 * <p>A {@link anabranch.onnx.graph.Graph} is written node by node; {@link anabranch.onnx.format}
 * lays it out. A block becomes a list of {@link anabranch.onnx.graph.Step}s between which the host
 * takes over: the core of attention and a recurrence need whole sequences, a mixture and a skip
 * need a routing decision. Everything between two such places is one graph with constant weights.
 * Each weight is in exactly one graph, in whatever stages and however often its block runs; only
 * experts that run together are in two.
 */
@NullMarked
package anabranch.onnx.graph;

import org.jspecify.annotations.NullMarked;
