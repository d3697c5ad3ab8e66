package anabranch.samples.next;

import java.io.Serializable;

/**
 * Somebody wrote a byte.
 *
 * @param writer who
 * @param number counts the bytes of a writer from 0
 * @param value the byte, 0..255
 */
public record Keystroke(String writer, long number, int value) implements Serializable {}
