package anabranch.conformance.reference.part;

import anabranch.conformance.reference.part.AttentionPart.Shown;

/** How the vector of a row becomes heads: those it asks with, and those it shows. */
interface Heads {
  /**
   * Returns the heads that a row asks with, rotated, one behind the other.
   *
   * @param expert whose heads they are, where they are routed; else 0
   */
  double[] query(int expert, double[] x, int position);

  /** Returns the key and the value that a row shows; no value where experts make it. */
  Shown show(double[] x, int position);
}
