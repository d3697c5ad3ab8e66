/**
 * This room is for what the arrays of a recording mean, one way of recording in each class; it is
 * not for finding or running them.
 */
@NullMarked
package anabranch.conformance.golden.reading;

import org.jspecify.annotations.NullMarked;
