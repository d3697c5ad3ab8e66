package anabranch.samples.alarm;

import java.util.OptionalDouble;

/**
 * The level of one kind of text, and what was judged by it.
 *
 * @param kind as {@link Kind#of} names it
 * @param level the oddness above which lines are flagged; empty while too few lines were seen
 * @param normalLines how many of the lines behind the level are from a text given as normal
 * @param inputLines how many of them are from the input itself; these were scored, never flagged
 * @param judged how many lines came after the level was fixed
 * @param flagged how many of those lie above it
 */
public record KindLevel(
    String kind,
    OptionalDouble level,
    int normalLines,
    int inputLines,
    long judged,
    long flagged) {}
