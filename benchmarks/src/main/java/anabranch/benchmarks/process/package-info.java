/**
 * This room is for what only a JVM of its own can show: how it starts, what it keeps in memory, how
 * many threads serve it; it is not for what one JVM can compare within itself.
 */
@NullMarked
package anabranch.benchmarks.process;

import org.jspecify.annotations.NullMarked;
