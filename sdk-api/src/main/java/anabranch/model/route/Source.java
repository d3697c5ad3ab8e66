package anabranch.model.route;

/** Step 0: what a router reads. */
public enum Source {
  /** The hidden vector that the experts see. */
  HIDDEN,
  /** The row's token id, as it was given with the event. */
  TOKEN_ID
}
