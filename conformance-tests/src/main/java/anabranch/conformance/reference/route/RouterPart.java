package anabranch.conformance.reference.route;

import static anabranch.conformance.reference.part.Arithmetic.mean;
import static anabranch.conformance.reference.part.Arithmetic.sigmoid;
import static anabranch.conformance.reference.part.Arithmetic.softmax;

import anabranch.conformance.reference.part.Parameters;
import anabranch.error.Bounds;
import anabranch.error.WeightsException;
import anabranch.model.route.Logits;
import anabranch.model.route.Router;
import anabranch.model.route.Selection;
import anabranch.model.route.Source;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A router with its weights. Immutable. */
public final class RouterPart {
  private final Router router;
  private final int experts;
  private final LogitsPart logits;
  private final double @Nullable [] correction;

  /** Creates a router from its weights; those it does not have are left out. */
  RouterPart(
      Router router,
      int experts,
      double[][] weight,
      double @Nullable [] bias,
      double @Nullable [] correction,
      int... table) {
    this(new LogitsPart(router, experts, weight, bias, table, null), correction);
  }

  private RouterPart(LogitsPart logits, double @Nullable [] correction) {
    this.router = logits.router();
    this.experts = logits.experts();
    this.logits = logits;
    this.correction = correction;
  }

  /**
   * Reads a router from the weights under {@code path}.
   *
   * @throws WeightsException if a table names an expert that there is not, or a correction is not
   *     finite
   */
  public static RouterPart read(Router router, int experts, String path, Parameters parameters) {
    boolean named = router.logits() instanceof Logits.TokenTable;
    return new RouterPart(
        new LogitsPart(
            router,
            experts,
            router.hasWeight() ? parameters.matrix(path + ".weight") : new double[0][],
            router.hasBias() ? parameters.vector(path + ".bias") : null,
            named ? table(path + ".table", experts, parameters) : new int[0],
            hidden(router, path + ".hidden", parameters)),
        router.hasCorrection() ? correction(path + ".correction", parameters) : null);
  }

  private static LogitsPart.@Nullable Hidden hidden(
      Router router, String path, Parameters parameters) {
    return router.logits() instanceof Logits.Network network
        ? new LogitsPart.Hidden(
            parameters.matrix(path + ".weight"),
            network.bias() ? parameters.vector(path + ".bias") : null,
            network.activation())
        : null;
  }

  private static int[] table(String name, int experts, Parameters parameters) {
    double[] numbers = parameters.vector(name);
    int[] table = new int[numbers.length];
    for (int id = 0; id < table.length; id++) {
      table[id] = (int) numbers[id];
      if (table[id] != numbers[id] || table[id] < 0 || table[id] >= experts) {
        String text = name + "[" + id + "] " + numbers[id] + " is not in 0.." + (experts - 1);
        throw new WeightsException(Bounds.ruled(text, "E2"));
      }
    }
    return table;
  }

  private static double[] correction(String name, Parameters parameters) {
    double[] correction = parameters.vector(name);
    for (int e = 0; e < correction.length; e++) {
      if (!Double.isFinite(correction[e])) {
        String text = name + "[" + e + "] " + correction[e] + " is not finite";
        throw new WeightsException(Bounds.ruled(text, "E2"));
      }
    }
    return correction;
  }

  /** Returns the description. */
  public Router router() {
    return router;
  }

  /**
   * Decides about the live rows of a call.
   *
   * @param rows by span and position
   * @param block the number of the router's block in its plan
   * @return one choice for each row
   * @throws ArithmeticException if a logit or a gate is not finite
   */
  public List<Choice> decide(List<Asking> rows, int block) {
    List<double[]> all = new ArrayList<>();
    for (Asking row : rows) {
      all.add(logits.of(source(row, rows), row, block));
    }
    return decide(rows, all, block);
  }

  /** Decides by logits, {@code [choices]} each. */
  List<Choice> decide(List<Asking> rows, List<double[]> logits, int block) {
    List<Draft> drafts = new ArrayList<>();
    for (int r = 0; r < rows.size(); r++) {
      Draft draft = new Draft(rows.get(r), logits.get(r), score(r, logits.get(r)));
      Preferences.rank(router.preference(), correction, draft);
      drafts.add(draft);
    }
    Selections.pick(router.selection(), drafts);
    List<List<Integer>> selected = new ArrayList<>();
    for (Draft draft : drafts) {
      selected.add(take(draft, block));
    }
    Capacities.drop(router.capacity(), router.selection().most(experts), experts, drafts);
    List<Choice> choices = new ArrayList<>();
    for (int r = 0; r < drafts.size(); r++) {
      choices.add(choice(r, drafts.get(r), selected.get(r)));
    }
    return choices;
  }

  /** Rule R0: what the logits of a row are made of, {@code [width]}. */
  private double[] source(Asking row, List<Asking> rows) {
    if (router.source() != Source.EVENT_MEAN && router.source() != Source.PROMPT_MEAN) {
      return row.x();
    }
    List<double[]> span = new ArrayList<>();
    for (Asking other : rows) {
      if (other.span() == row.span()) {
        span.add(other.x());
      }
    }
    return mean(span);
  }

  /** Rule R2: a function of the logits, {@code [choices]}. */
  private double[] score(int row, double[] z) {
    for (int e = 0; e < z.length; e++) {
      if (!Double.isFinite(z[e])) {
        throw notFinite("logit", z[e], row, e);
      }
    }
    return switch (router.score()) {
      case SOFTMAX -> softmax(z);
      case SIGMOID -> {
        double[] a = new double[z.length];
        for (int e = 0; e < z.length; e++) {
          a[e] = sigmoid(z[e]);
        }
        yield a;
      }
      case IDENTITY -> z.clone();
      case REST -> Arrays.stream(z).map(each -> 1 - Math.min(1, Math.max(0, each))).toArray();
    };
  }

  /** Settles what a row takes and weighs it; returns all whose sum its weights share. */
  private List<Integer> take(Draft draft, int block) {
    List<Integer> forced = draft.asking.forced();
    boolean prefix = router.selection() instanceof Selection.Prefix;
    List<Integer> all = draft.own;
    if (router.selection() instanceof Selection.TopK top && top.secondary() != null) {
      List<Double> gates = Gates.weigh(router.gate(), draft, all, all);
      Selections.secondary(top.secondary(), block, draft, gates);
    }
    draft.taken = forced == null ? draft.own : Draft.decoded(forced);
    List<Integer> selected = new ArrayList<>(draft.taken);
    for (int e : Preferences.order(draft.ranked)) {
      if (router.selection() instanceof Selection.TopK top
          && selected.size() < top.k()
          && !selected.contains(e)) {
        selected.add(e); // picked and not kept, or the likeliest to have been
      }
    }
    draft.weights =
        prefix
            ? Gates.weighPrefix(router.gate(), draft, draft.taken.size())
            : Gates.weigh(router.gate(), draft, selected, draft.taken);
    return selected;
  }

  private Choice choice(int row, Draft draft, List<Integer> selected) {
    List<Integer> own = draft.coded(draft.own);
    List<Integer> forced = draft.asking.forced();
    if (forced != null) {
      for (int i = 0; i < draft.taken.size(); i++) {
        draft.dropped[i] = forced.contains(-2 - draft.taken.get(i));
      }
    }
    boolean prefix = router.selection() instanceof Selection.Prefix;
    List<Double> preferences = new ArrayList<>();
    for (int e : draft.taken) {
      preferences.add(draft.ranked[prefix ? draft.taken.size() : e]);
    }
    List<Double> gates =
        prefix ? draft.weights : Gates.weighStaying(router.gate(), draft, selected);
    requireFinite(row, gates, draft.taken);
    boolean exact = !router.logits().ofVectors();
    return new Choice(
        draft.coded(draft.taken),
        gates,
        own,
        preferences,
        exact ? Double.POSITIVE_INFINITY : draft.margin);
  }

  private static void requireFinite(int row, List<Double> gates, List<Integer> taken) {
    for (int i = 0; i < gates.size(); i++) {
      if (!Double.isFinite(gates.get(i))) {
        throw notFinite("gate", gates.get(i), row, taken.get(i));
      }
    }
  }

  /** Rule E5: by the number of the row among those that are asked, and by member. */
  private static ArithmeticException notFinite(String what, double value, int row, int expert) {
    return new ArithmeticException(
        what + " " + value + " of row " + row + ", expert " + expert + " is not finite");
  }
}
