/**
 * This room is for what is asked of a GPU: a large routed layer, a whole model and the way of rows
 * to the device and back; it is not for the CPU, on which it only rehearses.
 */
@NullMarked
package anabranch.benchmarks.gpu;

import org.jspecify.annotations.NullMarked;
