/**
 * This room is for programs that let other systems do what a benchmark asks, line by line; it is
 * not for anything of ours, which is not on their class path.
 */
@NullMarked
package anabranch.peers;

import org.jspecify.annotations.NullMarked;
