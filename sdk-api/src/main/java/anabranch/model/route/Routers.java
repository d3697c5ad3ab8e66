package anabranch.model.route;

/** Routers under the names by which the field knows them. Stateless. */
public final class Routers {
  private Routers() {}

  /** Returns one expert for each row, weighed by its softmax over all (Fedus et al., Switch). */
  public static Router switchTop1() {
    return softmax(1, Gate.score());
  }

  /** Returns the k best by softmax, weights divided by their sum (Jiang et al., Mixtral). */
  public static Router mixtral(int k) {
    return softmax(k, Gate.normalisedScore());
  }

  /** Returns the k best by softmax, weights as they are (Muennighoff et al., OLMoE). */
  public static Router olmoe(int k) {
    return softmax(k, Gate.score());
  }

  /** Returns the k best logits with bias, weighed by the softmax over the selected (gpt-oss). */
  public static Router gptOss(int k) {
    return new Router(
        Source.HIDDEN,
        new Logits.Linear(true),
        Score.IDENTITY,
        Preference.byScore(),
        new Selection.TopK(k),
        new Gate(Gate.Of.SOFTMAX_OF_SELECTED, null, 1),
        new Capacity.Unlimited(),
        Placement.OUTPUT);
  }

  /**
   * Returns sigmoid scores ranked with a correction within the best groups, weights normalised and
   * scaled (DeepSeek-V3).
   */
  public static Router deepseekV3(int k, Preference.Groups groups, double scale) {
    return new Router(
        Source.HIDDEN,
        new Logits.Linear(false),
        Score.SIGMOID,
        new Preference(true, groups),
        new Selection.TopK(k),
        new Gate(Gate.Of.SCORE, new Gate.Normalise(1e-20), scale),
        new Capacity.Unlimited(),
        Placement.OUTPUT);
  }

  /** Returns one expert by a hash of the token id, weight 1 (Roller et al., Hash Layers). */
  public static Router hash(long seed) {
    return new Router(
        Source.TOKEN_ID,
        new Logits.TokenHash(seed),
        Score.IDENTITY,
        Preference.byScore(),
        new Selection.TopK(1),
        new Gate(Gate.Of.ONE, null, 1),
        new Capacity.Unlimited(),
        Placement.OUTPUT);
  }

  private static Router softmax(int k, Gate gate) {
    return new Router(
        Source.HIDDEN,
        new Logits.Linear(false),
        Score.SOFTMAX,
        Preference.byScore(),
        new Selection.TopK(k),
        gate,
        new Capacity.Unlimited(),
        Placement.OUTPUT);
  }
}
