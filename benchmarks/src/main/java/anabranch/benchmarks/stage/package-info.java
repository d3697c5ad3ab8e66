/**
 * This room is for what stages and engines cost over the kernels that they call; it is not for
 * single layers.
 */
@NullMarked
package anabranch.benchmarks.stage;

import org.jspecify.annotations.NullMarked;
