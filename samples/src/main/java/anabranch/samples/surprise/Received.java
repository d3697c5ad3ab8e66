package anabranch.samples.surprise;

import anabranch.samples.text.Line;

/**
 * A line on the operator's doorstep.
 *
 * @param line what was read
 * @param at {@link System#nanoTime} when it stood there
 */
public record Received(Line line, long at) {}
