/**
 * This room is for programs that measure things side by side, in one run, and compare what the
 * sides answer; it is not for tests of speed.
 */
@NullMarked
package anabranch.benchmarks;

import org.jspecify.annotations.NullMarked;
