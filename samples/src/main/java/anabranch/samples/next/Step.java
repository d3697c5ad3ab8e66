package anabranch.samples.next;

/**
 * A byte and what the model has to read before it can say how likely it was.
 *
 * @param writer who wrote it
 * @param number counts the bytes of a writer from 0
 * @param before the byte before it on the line, or the id of the beginning
 * @param value the byte itself, 0..255
 * @param last whether the line ends with it
 */
public record Step(String writer, long number, int before, int value, boolean last) {}
