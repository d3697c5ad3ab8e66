/**
 * This room is for what an operator keeps of each key's sequence in Flink's state, and its bytes;
 * it is not for sequences that are open.
 */
@NullMarked
package anabranch.flink.keyed.state;

import org.jspecify.annotations.NullMarked;
