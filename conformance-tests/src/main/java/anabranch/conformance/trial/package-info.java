/**
 * This room is for running one case on one backend, stage by stage as an engine would, and judging
 * every decision and number against the oracle; it is not for what is to be shown.
 */
@NullMarked
package anabranch.conformance.trial;

import org.jspecify.annotations.NullMarked;
