/**
 * This room is for talking to ONNX Runtime: one environment for the JVM, devices, sessions and
 * calls; it is not for what is computed, and not for callers of the SDK.
 */
@NullMarked
package anabranch.onnx.session;

import org.jspecify.annotations.NullMarked;
