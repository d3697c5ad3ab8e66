package anabranch.routing;

import anabranch.error.Bounds;
import anabranch.error.WeightsException;
import anabranch.model.route.Logits;
import anabranch.model.route.Router;
import java.nio.FloatBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Takes the decisions of one bank, a mixture or a skip: from logits, token ids or keys to the
 * members that each row sees, and their gates.
 *
 * <p>All steps run in double precision and a gate is rounded to fp32 once, at the end. Ties go to
 * the lower index, and -0 ties with +0. A row's decision has the same bits in any batch, except
 * where the router's capacity is shared by all rows of the call. Immutable; any thread.
 */
public final class Routing {
  private final String path;
  private final int block;
  private final Router router;
  private final int members;
  private final float[] correction;
  private final int[] table;

  private Routing(
      String path, int block, Router router, int members, float[] correction, int[] table) {
    this.path = path;
    this.block = block;
    this.router = router;
    this.members = members;
    this.correction = correction;
    this.table = table;
  }

  /**
   * Returns the routing of a bank.
   *
   * @param path names the bank in errors, such as {@code "blocks.0.mixture"}
   * @param block the number of its block in the plan, which random decisions hash
   * @param router the description
   * @param members how many there are; 1 for a skip
   * @param correction the learned vector of step 3, one number for each logit; null exactly where
   *     the router has none
   * @param table the member of each token id; null exactly where the router has none
   * @throws WeightsException if the correction or the table is missing, surplus, of another length,
   *     not finite, or names a member that does not exist
   * @throws anabranch.error.DescriptionException if the router does not fit so many members
   */
  public static Routing of(
      String path,
      int block,
      Router router,
      int members,
      float @Nullable [] correction,
      float @Nullable [] table) {
    router.checkAgainst(members);
    int logits = router.hasCorrection() ? router.logitsFor(members) : 0;
    float[] corrections = exactly(path + ".router.correction", correction, logits);
    for (int e = 0; e < corrections.length; e++) {
      if (!Float.isFinite(corrections[e])) {
        throw new WeightsException(
            Bounds.ruled(
                path + ".router.correction[" + e + "] " + corrections[e] + " is not finite", "E2"));
      }
    }
    int ids = router.logits() instanceof Logits.TokenTable known ? known.size() : 0;
    float[] names = exactly(path + ".router.table", table, ids);
    int[] whole = new int[names.length];
    for (int id = 0; id < whole.length; id++) {
      float name = names[id];
      if (!(name >= 0 && name < members && name == (int) name)) {
        throw new WeightsException(
            Bounds.ruled(
                path
                    + ".router.table["
                    + id
                    + "] "
                    + name
                    + " is not a whole number in 0.."
                    + (members - 1),
                "E2"));
      }
      whole[id] = (int) name;
    }
    return new Routing(path, block, router, members, corrections, whole);
  }

  private static float[] exactly(String name, float @Nullable [] given, int needed) {
    int length = given == null ? 0 : given.length;
    if (length != needed) {
      throw new WeightsException(name + " has " + length + " numbers instead of " + needed);
    }
    return given == null ? new float[0] : given.clone();
  }

  /** Returns whether decisions are taken from logits that somebody makes of vectors. */
  public boolean readsLogits() {
    return router.logits().ofVectors();
  }

  /**
   * Decides about the rows of a call.
   *
   * @param rows who they are; rows that are not live get -1
   * @param logits read from index 0: {@code router.logitsFor(members)} numbers for each live row in
   *     order, or, where the router reads the mean of an event, for each span that has live rows
   *     and no decision kept; null exactly where the router reads tokens or keys
   * @param into receives one entry for each row
   * @throws ArithmeticException if a logit or a gate is not finite, naming row and expert
   * @throws IllegalArgumentException if logits are given and not read, or the other way round, or
   *     if a capacity of whole items meets an event that is not the first of its sequence
   */
  public void decide(RoutedRows rows, @Nullable FloatBuffer logits, Assignment into) {
    if (readsLogits() != (logits != null)) {
      throw new IllegalArgumentException(
          path
              + " routes by "
              + (readsLogits() ? "logits" : router.source().toString())
              + ", but logits are "
              + (logits == null ? "missing" : "given"));
    }
    into.reset(rows.size(), router.selection().most(members));
    Decision decision = into.scratch(this);
    decision.take(rows, logits, into);
    decision.requireFinite(into);
  }

  String path() {
    return path;
  }

  int block() {
    return block;
  }

  Router router() {
    return router;
  }

  int members() {
    return members;
  }

  float[] correction() {
    return correction;
  }

  int named(int token) {
    return table[token];
  }

  ArithmeticException badLogit(float value, int row, int expert) {
    return bad("logit", value, row, expert, "");
  }

  ArithmeticException badGate(float value, int row, int expert) {
    boolean divided = router.gate().normalise() != null;
    return bad("gate", value, row, expert, divided ? ": weights are divided by their sum" : "");
  }

  private ArithmeticException bad(String what, float value, int row, int expert, String why) {
    return new ArithmeticException(
        path
            + ": "
            + what
            + " "
            + value
            + " of row "
            + row
            + ", expert "
            + expert
            + " is not finite"
            + why);
  }
}
