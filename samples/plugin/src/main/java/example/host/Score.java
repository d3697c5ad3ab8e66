package example.host;

/**
 * What the host wants to know of a line.
 *
 * @param bitsPerByte how unexpected the line is, from 0 on
 */
public record Score(double bitsPerByte) {}
