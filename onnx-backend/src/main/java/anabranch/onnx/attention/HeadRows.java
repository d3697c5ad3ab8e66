package anabranch.onnx.attention;

/**
 * How many rows a head has that a core is told of.
 *
 * @param queries for how many queries
 * @param sharing how many heads stand as rows of one, those of a query one behind the other
 */
record HeadRows(int queries, int sharing) {
  /** Returns how many there are. */
  int count() {
    return queries * sharing;
  }

  /** Returns the number of a row among those of all heads. */
  int row(int head, int query) {
    return (head / sharing * queries + query) * sharing + head % sharing;
  }
}
