package anabranch.error;

/**
 * One part of a description or of the load options that a backend cannot run here.
 *
 * @param field the part, such as {@code "blocks.3.attention.window"} or {@code "device"}
 * @param reason why not, in words, with the value and the bound
 */
public record Unsupported(String field, String reason) {
  @Override
  public String toString() {
    return field + ": " + reason;
  }
}
