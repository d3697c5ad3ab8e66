package anabranch.samples.next;

/**
 * How surprising a byte was when it came.
 *
 * @param writer who wrote it
 * @param number counts the bytes of a writer from 0
 * @param bits minus the binary logarithm of the probability that the model gave it
 * @param exit the stage that the byte before it left behind
 * @param depth how many blocks that one ran
 * @param flops floating-point operations executed
 * @param fullFlops floating-point operations at full depth
 */
public record Answer(
    String writer, long number, double bits, int exit, int depth, long flops, long fullFlops) {}
