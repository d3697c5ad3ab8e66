package anabranch.model.layer;

import anabranch.error.Bounds;
import anabranch.model.position.Distances;
import anabranch.model.position.Rotary;
import anabranch.model.route.Router;
import anabranch.model.route.Source;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Multi-head attention (Vaswani et al.); with fewer key/value heads than heads, each serves {@code
 * heads / keyValueHeads} consecutive heads (Ainslie et al., GQA).
 *
 * <p>Queries and keys are projected, then normed, clipped and rotated, as far as each is described;
 * values are projected and clipped. Where experts are routed, heads and their widths are those of
 * one expert.
 *
 * @param heads query heads, at least 1
 * @param keyValueHeads key and value heads; divides {@code heads}
 * @param headWidth length of one head's vectors; all heads together have at most 2^20
 * @param mask which rows a row may read
 * @param rotary rotation of queries and keys by position; null for none
 * @param bias which projections add a bias
 * @param window with the mask CAUSAL, the earlier positions a row may read; null for all
 * @param norm of queries and keys; null for none
 * @param clip numbers of queries, keys and values are cut to {@code -clip..clip}; above 0; null for
 *     none
 * @param scores how products of queries and keys become probabilities; null for the usual way,
 *     {@link Scores#usual()}
 * @param latent makes keys and values from one short vector of each row; null for projections of
 *     their own
 * @param routed experts with queries and results of their own; null for none
 * @param projections experts in place of the projections of each head's values and results; null
 *     for none
 */
public record Attention(
    int heads,
    int keyValueHeads,
    int headWidth,
    Mask mask,
    @Nullable Rotary rotary,
    Bias bias,
    @Nullable Window window,
    @Nullable QueryKeyNorm norm,
    @Nullable Double clip,
    @Nullable Scores scores,
    @Nullable Latent latent,
    @Nullable RoutedHeads routed,
    @Nullable RoutedProjections projections)
    implements Operation {
  static final int MOST_WIDTH = 1 << 20;
  private static final int MOST_MEMBERS = 1 << 16;

  /** Which rows of its sequence a row may read. */
  public enum Mask {
    /** Itself and earlier rows. */
    CAUSAL,
    /** All rows of its event. */
    FULL,
    /** The rows of the sequence's memory, such as an encoder's, and none of its own. */
    MEMORY
  }

  /**
   * A row at position p reads positions above {@code p - rows} (Beltagy et al., Longformer), and of
   * those before them the ones below {@code first} (Xiao et al., StreamingLLM).
   *
   * @param rows at least 1
   * @param first from 0 on
   */
  public record Window(int rows, int first) {
    /** Checks the bounds. */
    public Window {
      Bounds.atLeast("attention.window.rows", rows, 1);
      Bounds.atLeast("attention.window.first", first, 0);
    }

    /** Returns how many positions a row reads at most, itself among them. */
    public int most() {
      return (int) Math.min(Integer.MAX_VALUE, (long) rows + first);
    }
  }

  /** Which projections add a bias. */
  public enum Bias {
    /** None. */
    NONE,
    /** Those of queries, keys and values. */
    QUERY_KEY_VALUE,
    /** All four. */
    ALL;

    /** Returns whether queries, keys and values have one. */
    public boolean ofInputs() {
      return this != NONE;
    }

    /** Returns whether the result has one. */
    public boolean ofResult() {
      return this == ALL;
    }
  }

  /**
   * A norm of queries and one of keys (Henry et al., Query-Key Normalization).
   *
   * @param norm the form of both
   * @param over which numbers are normed together
   */
  public record QueryKeyNorm(Norm norm, Over over) {
    /** Which numbers are normed together. */
    public enum Over {
      /** Those of each head; the heads share the norm's parameters. */
      HEAD,
      /** Those of all heads. */
      ALL
    }
  }

  /**
   * How products of queries and keys become probabilities.
   *
   * @param scale products are multiplied by it before the softmax; above 0; null for {@code
   *     1/sqrt(headWidth)}
   * @param sinks whether a learned number for each head joins the softmax as a key without a value
   *     (Xiao et al., attention sinks, as GPT-OSS learns them)
   * @param distances what is added for the distance of a key; null for nothing
   */
  public record Scores(@Nullable Double scale, boolean sinks, @Nullable Distances distances) {
    /** Checks the bound. */
    public Scores {
      if (scale != null) {
        Bounds.positive("attention.scores.scale", scale);
      }
    }

    /** Returns the usual way: scaled by {@code 1/sqrt(headWidth)}. */
    public static Scores usual() {
      return new Scores(null, false, null);
    }

    /** Returns products multiplied by a number of their own. */
    public static Scores scaled(double scale) {
      return new Scores(scale, false, null);
    }

    /** Returns the same with a sink for each head. */
    public Scores withSinks() {
      return new Scores(scale, true, distances);
    }

    /** Returns the same with numbers for distances; null for none. */
    public Scores withDistances(@Nullable Distances some) {
      return new Scores(scale, sinks, some);
    }
  }

  /**
   * Experts in place of projections, for each head alone (Csordás et al., SwitchHead): each head of
   * the values has some, and so has each head of the result. For each head a router of its own
   * picks some of them by the vector of the row alone, the row that shows the value and the row
   * that reads; gates weigh what they make, and it is summed in ascending order of experts.
   *
   * <p>A value is made once, where its row shows it, and kept as the sum. Under the attention's
   * path, head h of the values is {@code v.h} and head h of the result {@code o.h}; each has a
   * router, and experts without bias.
   *
   * @param experts how many each head has on each side, at least 1
   * @param router of each head on each side: the k best, without capacity, by the row alone
   */
  public record RoutedProjections(int experts, Router router) {
    /** Checks the bounds, and that the router picks the same number for every row. */
    public RoutedProjections {
      String field = "attention.projections";
      Bounds.within(field + ".experts", experts, 1, MOST_MEMBERS);
      RoutedHeads.check(field + ".router", router, experts);
      Bounds.require(
          router.source() == Source.HIDDEN,
          field + ".router.source " + router.source() + " is not HIDDEN");
      Bounds.require(
          !router.logits().carried(),
          field + ".router.logits " + router.logits() + " are carried from other routers");
    }

    /** Returns how many experts a row takes, for each head on each side. */
    public int k() {
      return router.selection().most(experts);
    }

    private void parameters(
        String path, int heads, int out, int in, int width, Consumer<Parameter> into) {
      for (int h = 0; h < heads; h++) {
        String head = path + "." + h;
        Mixture.router(router, head + ".router", width, experts, into);
        for (int e = 0; e < experts; e++) {
          project(head + ".experts." + e, out, in, false, into);
        }
      }
    }
  }

  /** Checks the bounds. */
  public Attention {
    Bounds.atLeast("attention.heads", heads, 1);
    Bounds.within("attention.keyValueHeads", keyValueHeads, 1, heads);
    Bounds.require(
        heads % keyValueHeads == 0,
        "attention.keyValueHeads " + keyValueHeads + " does not divide heads " + heads);
    Bounds.atLeast("attention.headWidth", headWidth, 1);
    Bounds.require(
        (long) heads * headWidth <= MOST_WIDTH,
        "attention.heads " + heads + " times headWidth " + headWidth + " is above " + MOST_WIDTH);
    Bounds.require(
        rotary == null || mask != Mask.MEMORY,
        "attention.rotary does not go with mask MEMORY, whose rows have no common positions",
        "A3");
    if (rotary != null && latent == null) {
      Bounds.require(
          rotary.part() != null || headWidth % 2 == 0,
          "attention.headWidth " + headWidth + " is odd, so rotary positions have no halves");
      Bounds.require(
          rotary.width(headWidth) <= headWidth,
          "attention.rotary.part " + rotary.part() + " is above headWidth " + headWidth);
    }
    Bounds.require(
        window == null || mask == Mask.CAUSAL, "attention.window needs mask CAUSAL, not " + mask);
    Bounds.require(
        scores == null || scores.distances() == null || mask != Mask.MEMORY,
        "attention.scores.distances do not go with mask MEMORY, whose rows have no common positions");
    if (clip != null) {
      Bounds.positive("attention.clip", clip);
    }
    if (latent != null) {
      latent.checkAgainst(heads, headWidth, rotary);
      String field = "attention.latent ";
      refuse(field, keyValueHeads != heads, "keyValueHeads " + keyValueHeads + ", heads " + heads);
      refuse(field, mask == Mask.MEMORY, "mask MEMORY");
      refuse(field, bias != Bias.NONE, "bias " + bias);
      refuse(field, norm != null, "norm: it has its own");
      refuse(field, clip != null, "clip " + clip);
    }
    if (routed != null) {
      routed.checkAgainst(heads, headWidth);
      String field = "attention.routed ";
      refuse(field, latent != null, "latent");
      refuse(field, mask == Mask.MEMORY, "mask MEMORY");
      refuse(field, norm != null, "norm");
      refuse(field, scores != null && scores.sinks(), "scores.sinks");
      refuse(field, scores != null && scores.distances() != null, "scores.distances");
    }
    if (projections != null) {
      String field = "attention.projections ";
      refuse(field, latent != null, "latent");
      refuse(field, routed != null, "routed");
      refuse(field, mask == Mask.MEMORY, "mask MEMORY");
      refuse(field, bias != Bias.NONE, "bias " + bias);
      refuse(field, clip != null, "clip " + clip);
      Bounds.require(
          (long) heads * projections.experts() <= MOST_MEMBERS,
          "attention.heads "
              + heads
              + " times projections.experts "
              + projections.experts()
              + " is above "
              + MOST_MEMBERS);
    }
  }

  private static void refuse(String field, boolean broken, String what) {
    Bounds.require(!broken, field + "does not go with " + what);
  }

  /** Creates attention without a window, a norm or a clip, with the usual scores. */
  public Attention(
      int heads, int keyValueHeads, int headWidth, Mask mask, @Nullable Rotary rotary, Bias bias) {
    this(
        heads,
        keyValueHeads,
        headWidth,
        mask,
        rotary,
        bias,
        null,
        null,
        null,
        null,
        null,
        null,
        null);
  }

  /** Creates the same, with biases on all projections or on none. */
  public Attention(
      int heads,
      int keyValueHeads,
      int headWidth,
      Mask mask,
      @Nullable Rotary rotary,
      boolean bias) {
    this(heads, keyValueHeads, headWidth, mask, rotary, bias ? Bias.ALL : Bias.NONE);
  }

  /** Returns causal attention without bias or rotary positions. */
  public static Attention causal(int heads, int headWidth) {
    return new Attention(heads, heads, headWidth, Mask.CAUSAL, null, false);
  }

  /** Returns bidirectional attention without bias or rotary positions. */
  public static Attention full(int heads, int headWidth) {
    return new Attention(heads, heads, headWidth, Mask.FULL, null, false);
  }

  /** Returns attention to the rows of the memory. */
  public static Attention memory(int heads, int headWidth) {
    return new Attention(heads, heads, headWidth, Mask.MEMORY, null, false);
  }

  /** Returns this attention with rotary positions. */
  public Attention withRotary(double base) {
    return withRotary(new Rotary(base));
  }

  /** Returns this attention with rotary positions, or with none. */
  public Attention withRotary(@Nullable Rotary turned) {
    return changed(draft -> draft.rotary = turned);
  }

  /** Returns this attention with another mask; its window goes with {@link Mask#CAUSAL} only. */
  public Attention withMask(Mask other) {
    return changed(
        draft -> {
          draft.mask = other;
          draft.window = other == Mask.CAUSAL ? window : null;
        });
  }

  /** Returns this attention with that many key and value heads. */
  public Attention withKeyValueHeads(int count) {
    return changed(draft -> draft.keyValueHeads = count);
  }

  /** Returns this attention with biases on all projections. */
  public Attention withBias() {
    return withBias(Bias.ALL);
  }

  /** Returns this attention with biases on some projections. */
  public Attention withBias(Bias some) {
    return changed(draft -> draft.bias = some);
  }

  /** Returns this attention with a window of so many rows, or with none. */
  public Attention withWindow(@Nullable Integer rows) {
    return withWindow(rows == null ? null : new Window(rows, 0));
  }

  /** Returns this attention with a window, or with none. */
  public Attention withWindow(@Nullable Window bound) {
    return changed(draft -> draft.window = bound);
  }

  /** Returns this attention with norms of queries and keys. */
  public Attention withNorm(Norm form, QueryKeyNorm.Over over) {
    return withNorm(new QueryKeyNorm(form, over));
  }

  /** Returns this attention with norms of queries and keys, or with none. */
  public Attention withNorm(@Nullable QueryKeyNorm both) {
    return changed(draft -> draft.norm = both);
  }

  /** Returns this attention with clipped queries, keys and values; null for others. */
  public Attention withClip(@Nullable Double most) {
    return changed(draft -> draft.clip = most);
  }

  /** Returns this attention with scores of its own, or with the usual ones. */
  public Attention withScores(@Nullable Scores own) {
    return changed(draft -> draft.scores = own);
  }

  /** Returns this attention with keys and values of short vectors, or of projections. */
  public Attention withLatent(@Nullable Latent some) {
    return changed(draft -> draft.latent = some);
  }

  /** Returns this attention with experts, each with as many heads as it has, or with none. */
  public Attention withRouted(@Nullable RoutedHeads some) {
    return changed(draft -> draft.routed = some);
  }

  /** Returns this attention with routed projections of values and results, or with plain ones. */
  public Attention withProjections(@Nullable RoutedProjections some) {
    return changed(draft -> draft.projections = some);
  }

  private Attention changed(Consumer<Draft> change) {
    Draft draft = new Draft(this);
    change.accept(draft);
    return draft.attention();
  }

  /** An attention of which something is about to change. */
  private static final class Draft {
    private final Attention from;
    private int keyValueHeads;
    private Mask mask;
    private @Nullable Rotary rotary;
    private Bias bias;
    private @Nullable Window window;
    private @Nullable QueryKeyNorm norm;
    private @Nullable Double clip;
    private @Nullable Scores scores;
    private @Nullable Latent latent;
    private @Nullable RoutedHeads routed;
    private @Nullable RoutedProjections projections;

    Draft(Attention from) {
      this.from = from;
      keyValueHeads = from.keyValueHeads;
      mask = from.mask;
      rotary = from.rotary;
      bias = from.bias;
      window = from.window;
      norm = from.norm;
      clip = from.clip;
      scores = from.scores;
      latent = from.latent;
      routed = from.routed;
      projections = from.projections;
    }

    Attention attention() {
      return new Attention(
          from.heads,
          keyValueHeads,
          from.headWidth,
          mask,
          rotary,
          bias,
          window,
          norm,
          clip,
          scores,
          latent,
          routed,
          projections);
    }
  }

  /** Returns the number that products of queries and keys are multiplied by. */
  public double scale() {
    Double own = scores == null ? null : scores.scale();
    return own == null ? 1 / Math.sqrt(headWidth) : own;
  }

  /** Returns the length of all query heads together; of one expert's, where they are routed. */
  public int queryWidth() {
    return heads * headWidth;
  }

  /** Returns the length of all key (or value) heads together, where they are no latent ones. */
  public int keyValueWidth() {
    return keyValueHeads * headWidth;
  }

  /** Returns the length of what all heads read; those of one expert, where they are routed. */
  public int resultWidth() {
    return heads * (latent == null ? headWidth : latent.valueWidth());
  }

  /** Returns how many numbers a sequence needs to keep of a row: keys and values, or less. */
  public int kept() {
    return latent == null ? Math.multiplyExact(2, keyValueWidth()) : latent.kept();
  }

  /** Returns how many elements of a head are rotated; 0 for none. */
  public int rotatedWidth() {
    if (rotary == null) {
      return 0;
    }
    return latent == null ? rotary.width(headWidth) : latent.turned();
  }

  @Override
  public void parameters(String path, int width, Consumer<Parameter> into) {
    if (routed != null) {
      routed.parameters(this, path, width, into);
    }
    if (latent != null) {
      latent.parameters(this, path, width, into);
    } else {
      if (routed == null) {
        project(path + ".q", queryWidth(), width, bias.ofInputs(), into);
      }
      project(path + ".k", keyValueWidth(), width, bias.ofInputs(), into);
      if (projections == null) {
        project(path + ".v", keyValueWidth(), width, bias.ofInputs(), into);
      }
    }
    if (projections != null) {
      projections.parameters(path + ".v", keyValueHeads, headWidth, width, width, into);
      projections.parameters(path + ".o", heads, width, headWidth, width, into);
    } else if (routed == null) {
      project(path + ".o", width, resultWidth(), bias.ofResult(), into);
    }
    if (norm != null) {
      boolean each = norm.over() == QueryKeyNorm.Over.HEAD;
      norm.norm().parameters(path + ".q.norm", each ? headWidth : queryWidth(), into);
      norm.norm().parameters(path + ".k.norm", each ? headWidth : keyValueWidth(), into);
    }
    if (scores != null && scores.sinks()) {
      into.accept(Parameter.vector(path + ".sinks", heads));
    }
    if (scores != null && scores.distances() != null) {
      into.accept(Parameter.matrix(path + ".distances", scores.distances().buckets(), heads));
    }
  }

  static void project(String path, int out, int in, boolean bias, Consumer<Parameter> into) {
    into.accept(Parameter.matrix(path + ".weight", out, in));
    if (bias) {
      into.accept(Parameter.vector(path + ".bias", out));
    }
  }

  @Override
  public boolean mixes() {
    return mask != Mask.MEMORY;
  }

  @Override
  public @Nullable Router router() {
    return routed == null ? null : routed.router();
  }

  @Override
  public int members() {
    return routed == null ? 0 : routed.experts();
  }
}
