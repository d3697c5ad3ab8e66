package anabranch.samples.surprise;

import anabranch.samples.text.Line;

/**
 * What became of one line.
 *
 * @param source the file it comes from
 * @param number its number there
 * @param text its bytes, the line feed included where there is one
 * @param device what computed the numbers; empty for a blank line
 * @param bytes how many bytes were scored; 0 for a blank line, which is counted and not scored
 * @param bits the bits the model needed for them, under the policy
 * @param byteBits the bits of each of them; sums to {@code bits}
 * @param byteExits the stage that each of them left behind
 * @param exits how many of them left behind each stage
 * @param blocksRun how many blocks they ran, summed over bytes
 * @param load how many of them each expert saw, experts of one block side by side
 * @param flops floating-point operations executed
 * @param fullFlops floating-point operations at full depth
 * @param audited how many bytes were run again at full depth; 0 if the line was not drawn
 * @param agreed how many of those predict the same next byte as at full depth
 * @param fullBits the bits needed at full depth; 0 if the line was not drawn
 * @param received {@link System#nanoTime} when the operator received the line
 * @param left {@link System#nanoTime} when its result left the operator
 */
public record LineScore(
    String source,
    long number,
    byte[] text,
    String device,
    int bytes,
    double bits,
    float[] byteBits,
    byte[] byteExits,
    int[] exits,
    long blocksRun,
    int[] load,
    long flops,
    long fullFlops,
    int audited,
    int agreed,
    double fullBits,
    long received,
    long left) {
  /** Returns the bits of an average byte; 0 for a blank line. */
  public double bitsPerByte() {
    return bytes == 0 ? 0 : bits / bytes;
  }

  /** Returns the text without its line feed, as UTF-8, cut to {@code most} characters for show. */
  public String shown(int most) {
    return new Line(source, number, text).shown(most);
  }

  /** Returns this score with the time its result left the operator. */
  LineScore leftAt(long nanoTime) {
    return new LineScore(
        source, number, text, device, bytes, bits, byteBits, byteExits, exits, blocksRun, load,
        flops, fullFlops, audited, agreed, fullBits, received, nanoTime);
  }
}
