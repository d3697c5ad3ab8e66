package anabranch.error;

import org.jspecify.annotations.Nullable;

/**
 * One part of a description or of the load options that a backend cannot run here.
 *
 * @param field the part, such as {@code "blocks.3.attention.window"} or {@code "device"}
 * @param reason why not, in words, with the value and the bound
 * @param rule the number of the rule of the specification that states the refusal, such as {@code
 *     "D3"}; null for what this backend cannot do
 */
public record Unsupported(String field, String reason, @Nullable String rule) {
  /** Creates what no rule states. */
  public Unsupported(String field, String reason) {
    this(field, reason, null);
  }

  @Override
  public String toString() {
    String text = field + ": " + reason;
    return rule == null ? text : Bounds.ruled(text, rule);
  }
}
