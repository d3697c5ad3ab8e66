/**
 * This room is for one layer, routed or of heads that share keys, against other ways to compute the
 * same numbers, on the same runtime and on another; it is not for whole models.
 */
@NullMarked
package anabranch.benchmarks.layer;

import org.jspecify.annotations.NullMarked;
