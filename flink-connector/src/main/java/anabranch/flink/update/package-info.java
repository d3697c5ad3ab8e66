/**
 * This room is for what another stream says about the model of an inference step: which one
 * answers, and under which policy, from which barrier on; it is not for loading models, and not for
 * operators.
 */
@NullMarked
package anabranch.flink.update;

import org.jspecify.annotations.NullMarked;
