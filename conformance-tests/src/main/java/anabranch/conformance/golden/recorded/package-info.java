/**
 * This room is for recordings of reference implementations, for running what was fed to them on the
 * oracle or on a backend, and for what is found; it is not for what the arrays of a recording mean.
 */
@NullMarked
package anabranch.conformance.golden.recorded;

import org.jspecify.annotations.NullMarked;
