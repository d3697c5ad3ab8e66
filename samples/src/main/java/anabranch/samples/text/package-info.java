/**
 * This room is for reading lines of text into a Flink job, from files, folders or standard input;
 * it is not for what the lines mean.
 */
@NullMarked
package anabranch.samples.text;

import org.jspecify.annotations.NullMarked;
