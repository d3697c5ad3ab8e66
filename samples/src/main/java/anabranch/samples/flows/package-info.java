/**
 * This room is for the sample {@code flows}: simulated traffic of hosts, judged window by window
 * with exits of whole items; it is not for real traffic.
 */
@NullMarked
package anabranch.samples.flows;

import org.jspecify.annotations.NullMarked;
