package anabranch.model.position;

import anabranch.error.Bounds;

/**
 * A learned number for each head and each bucket of distances, added to the scaled product (Raffel
 * et al., T5). The nearer half of the buckets holds one distance each, the others grow with the
 * logarithm up to {@code furthest}, and the last holds all that is further.
 *
 * @param buckets at least 2; at least 4 where both ways
 * @param furthest above the number of buckets that hold one distance
 * @param bothWays whether later keys have the second half of the buckets; else they count as
 *     distance 0
 */
public record Distances(int buckets, int furthest, boolean bothWays) {
  /** Checks the bounds. */
  public Distances {
    Bounds.within("attention.scores.distances.buckets", buckets, bothWays ? 4 : 2, 1 << 20);
    int exact = (bothWays ? buckets / 2 : buckets) / 2;
    Bounds.require(
        furthest > exact,
        "attention.scores.distances.furthest " + furthest + " is not above " + exact);
  }

  /** Returns the bucket of a key that lies so many positions behind the query, or before it. */
  public int bucket(int behind) {
    int each = bothWays ? buckets / 2 : buckets;
    int first = bothWays && behind > 0 ? each : 0;
    int distance = bothWays ? Math.abs(behind) : Math.max(0, -behind);
    int exact = each / 2;
    if (distance < exact) {
      return first + distance;
    }
    double share =
        StrictMath.log((double) distance / exact) / StrictMath.log((double) furthest / exact);
    return first + Math.min(each - 1, exact + (int) (share * (each - exact)));
  }
}
