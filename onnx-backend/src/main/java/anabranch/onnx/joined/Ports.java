package anabranch.onnx.joined;

import anabranch.onnx.attention.Angles;
import anabranch.onnx.dispatch.Bank;
import anabranch.onnx.graph.CoreShape;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a joined graph reads and leaves. Immutable.
 *
 * @param reads whether it has the input x, of live rows
 * @param update the length of the input u, of live rows; 0 for none
 * @param moves whether it has the output h; else x stays as it is
 * @param normed whether it has the output n, of live rows
 * @param logits the length of the output {@code logits}; 0 for none
 * @param routed the mixtures inside, in order
 * @param front the attention that it makes queries, keys and values for, which stands behind; null
 *     for none
 */
record Ports(
    boolean reads,
    int update,
    boolean moves,
    boolean normed,
    int logits,
    List<Routed> routed,
    @Nullable Front front) {
  /** Copies the list. */
  Ports {
    routed = List.copyOf(routed);
  }

  /**
   * A mixture inside. It leaves its logits and, rows x 2k, the indices of the experts of each row,
   * best first, and their gates.
   *
   * @param bank the router
   * @param members how many there are to pick from
   * @param k how many a row picks
   * @param later how many visits after that in which the graph runs it stands
   */
  record Routed(Bank bank, int members, int k, int later) {}

  /**
   * The first part of an attention. It reads f, the vectors of rows that only show keys, and leaves
   * q, of live rows, and k and v of all that show some.
   *
   * @param shape of the core
   * @param angles by which q and k turn; null for none
   * @param reader whom they are left to
   */
  record Front(CoreShape shape, @Nullable Angles angles, CoreStep reader) {}

  /** Returns the name of the output that has the logits of a mixture. */
  static String logitsOf(int mixture) {
    return "logits." + mixture;
  }

  /** Returns the name of the output that has the decisions of a mixture. */
  static String decidedOf(int mixture) {
    return "decided." + mixture;
  }
}
