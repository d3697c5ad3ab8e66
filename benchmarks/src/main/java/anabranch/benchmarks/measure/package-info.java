/**
 * This room is for measuring side by side: rounds in turn, ratios with intervals, and what the
 * machine can do at best; it is not for what is measured.
 */
@NullMarked
package anabranch.benchmarks.measure;

import org.jspecify.annotations.NullMarked;
