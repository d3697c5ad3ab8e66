/**
 * This room is for deciding which lines of a text are reported as odd: kinds of text, the level of
 * each kind, and what was judged by it; it is not for computing scores.
 */
@NullMarked
package anabranch.samples.alarm;

import org.jspecify.annotations.NullMarked;
