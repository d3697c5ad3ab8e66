/**
 * This room is for the published systems that the language must express: each as a preset, with a
 * test that passes exactly when it behaves as published; it is not for whole checkpoints.
 */
@NullMarked
package anabranch.conformance.system;

import org.jspecify.annotations.NullMarked;
