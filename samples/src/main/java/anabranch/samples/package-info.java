/**
 * This room is for the smallest programs, the ones the README shows; it is not for anything that
 * others build on.
 */
@NullMarked
package anabranch.samples;

import org.jspecify.annotations.NullMarked;
