/**
 * This room is for measuring the sample {@code surprise} on each kind of text, with odd lines
 * planted for the purpose; it is not for judging text that somebody cares about.
 */
@NullMarked
package anabranch.samples.kinds;

import org.jspecify.annotations.NullMarked;
