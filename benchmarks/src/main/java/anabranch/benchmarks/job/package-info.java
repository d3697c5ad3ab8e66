/**
 * This room is for what an inference step costs inside a Flink job: jobs that are fed round by
 * round, and a model that computes nothing; it is not for what an engine costs on its own.
 */
@NullMarked
package anabranch.benchmarks.job;

import org.jspecify.annotations.NullMarked;
