package anabranch.conformance.reference.pass;

import org.jspecify.annotations.Nullable;

/** The way through the attentions of a plan, for rows that show again what they showed before. */
public final class Trail {
  /** The place of the attention that was passed last; null for none. */
  public @Nullable String last;

  private final boolean shares;

  /**
   * Begins a trail.
   *
   * @param last the place of the attention before; null for none
   * @param shares whether any row may show again what it showed before
   */
  public Trail(@Nullable String last, boolean shares) {
    this.last = last;
    this.shares = shares;
  }

  /** Returns whether what rows show is kept wherever they show it. */
  public boolean shares() {
    return shares;
  }
}
