package anabranch.engine.bank;

import anabranch.error.Bounds;
import anabranch.model.route.Gate;
import anabranch.model.route.Router;
import anabranch.model.route.Score;
import anabranch.model.route.Selection;
import anabranch.routing.Assignment;
import anabranch.routing.RoutedRows;
import anabranch.routing.Routing;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How logits become a choice of members: steps 2, 4 and 5 of a router, one decision for the whole
 * item (rule Q16). Immutable; any thread.
 *
 * @param score a function of the logits
 * @param selection which members answer: the best by score, or all that compare with a bound
 * @param weight what each that was picked counts
 */
public record Picking(Score score, Selection selection, Gate weight) {
  /** Checks that the steps go together. */
  public Picking {
    boolean drawn =
        selection instanceof Selection.TopK top
            && top.secondary() != null
            && top.secondary().seed() != null;
    Bounds.require(
        !drawn && (selection instanceof Selection.TopK || selection instanceof Selection.Threshold),
        "picking.selection " + selection + " is neither a top-k without a seed nor a threshold");
    Router.linear(score, selection).with(weight);
  }

  /**
   * Returns the picking of a mixture of models: softmax over all members, the k best, their scores
   * divided by their sum.
   */
  public static Picking top(int k) {
    return new Picking(Score.SOFTMAX, new Selection.TopK(k), Gate.normalisedScore());
  }

  /** Returns all members whose sigmoid is above a bound, each weighed by it; perhaps none. */
  public static Picking above(double bound) {
    return new Picking(Score.SIGMOID, new Selection.Threshold(bound, true), Gate.score());
  }

  /** Returns what decides about so many members. */
  Routing among(int members) {
    Router router = Router.linear(score, selection).with(weight);
    return Routing.of("bank", 0, router, members, null, null);
  }

  /** Chooses members by a vote about one item. */
  static Choice choose(Routing routing, List<String> members, Vote vote) {
    List<Float> logits = vote.logits();
    Bounds.require(
        logits.size() == members.size(),
        "vote.logits has " + logits.size() + " numbers for " + members.size() + " members");
    FloatBuffer numbers = FloatBuffer.allocate(logits.size());
    for (int i = 0; i < logits.size(); i++) {
      Bounds.require(
          Float.isFinite(logits.get(i)),
          "vote.logits " + logits.get(i) + " of \"" + members.get(i) + "\" is not finite",
          "Q16");
      numbers.put(i, logits.get(i));
    }
    Assignment assignment = new Assignment();
    routing.decide(new Query(), numbers, assignment);
    List<Choice.Share> shares = new ArrayList<>();
    for (int i = 0; i < assignment.k() && assignment.expert(0, i) >= 0; i++) {
      shares.add(new Choice.Share(members.get(assignment.expert(0, i)), assignment.gate(0, i)));
    }
    return new Choice(shares, vote);
  }

  /** The whole item, as one row. */
  private record Query() implements RoutedRows {
    @Override
    public int size() {
      return 1;
    }

    @Override
    public boolean live(int row) {
      return true;
    }

    @Override
    public int span(int row) {
      return 0;
    }

    @Override
    public int spans() {
      return 1;
    }

    @Override
    public int firstPosition(int span) {
      return 0;
    }

    @Override
    public int position(int row) {
      return 0;
    }

    @Override
    public int token(int row) {
      throw new IllegalStateException("members are picked by logits");
    }

    @Override
    public long key(int row) {
      throw new IllegalStateException("members are picked by logits");
    }

    @Override
    public @Nullable Float kept(int span) {
      return null;
    }
  }
}
