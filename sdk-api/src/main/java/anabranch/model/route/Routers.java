package anabranch.model.route;

import anabranch.model.layer.Activation;
import org.jspecify.annotations.Nullable;

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
    return granite(k).with(Source.HIDDEN, new Logits.Linear(true));
  }

  /**
   * Returns sigmoid scores ranked with a correction within the best groups, weights normalised and
   * scaled (DeepSeek-V3).
   */
  public static Router deepseekV3(int k, Preference.Groups groups, double scale) {
    return glm4Moe(k, scale).with(new Preference(true, groups));
  }

  /**
   * Returns softmax scores within the groups that hold the best experts, weights scaled
   * (DeepSeek-V2).
   *
   * @param groups how many groups the experts are in
   * @param keep how many of them stay
   */
  public static Router deepseekV2(int k, int groups, int keep, double scale) {
    return olmoe(k)
        .with(new Preference(false, new Preference.Groups(groups, keep, 1, false)))
        .with(new Gate(Gate.Of.SCORE, null, scale));
  }

  /** Returns sigmoid scores ranked with a correction, weights normalised and scaled (GLM-4.5). */
  public static Router glm4Moe(int k, double scale) {
    return corrected(k, Score.SIGMOID, new Gate.Normalise(1e-20), scale);
  }

  /** Returns softmax scores ranked with a correction, weights normalised (ERNIE 4.5). */
  public static Router ernie45(int k) {
    return corrected(k, Score.SOFTMAX, new Gate.Normalise(1e-12), 1);
  }

  /**
   * Returns softmax scores ranked with a correction, weights scaled (LongCat-Flash); for a mixture
   * with {@link anabranch.model.layer.Mixture.Specials#identities}.
   */
  public static Router longcat(int k, double scale) {
    return corrected(k, Score.SOFTMAX, null, scale);
  }

  /**
   * Returns the k best by softmax (Qwen2-MoE, whose mixture has a weighed shared network).
   *
   * @param normalised whether weights are divided by their sum, in its configuration {@code
   *     norm_topk_prob}
   */
  public static Router qwen2Moe(int k, boolean normalised) {
    return normalised ? mixtral(k) : olmoe(k);
  }

  /** Returns the k best by softmax, weights divided by the sum of their magnitudes (DBRX). */
  public static Router dbrx(int k) {
    return mixtral(k);
  }

  /** Returns the k best logits, weighed by the softmax over the selected (Granite, JetMoE). */
  public static Router granite(int k) {
    return Router.linear(Score.IDENTITY, new Selection.TopK(k))
        .with(new Gate(Gate.Of.SOFTMAX_OF_SELECTED, null, 1));
  }

  /** Returns the k best logits, whose sigmoids scale what the experts read (Llama 4). */
  public static Router llama4(int k) {
    return Router.linear(Score.IDENTITY, new Selection.TopK(k))
        .with(new Gate(Gate.Of.SIGMOID_OF_SELECTED, null, 1))
        .with(Placement.INPUT);
  }

  /** Returns the k best logits, each weighed by its sigmoid alone (Csordás et al., SwitchHead). */
  public static Router switchHead(int k) {
    return llama4(k).with(Placement.OUTPUT);
  }

  /**
   * Returns the two best logits, each weighed by the softmax over those near it that are left (Liu
   * et al., SparseMixer; Phi-3.5-MoE).
   *
   * @param jitter in its configuration {@code router_jitter_noise}; acts at inference, too
   */
  public static Router sparseMixer(double jitter) {
    return Router.linear(Score.IDENTITY, new Selection.TopK(2)).with(Gate.softmaxOfNear(jitter));
  }

  /**
   * Returns the best logit, weighed by the softmax over those near it (Liu et al., SparseMixer);
   * its learned scale of the results is part of the experts' last matrices.
   *
   * @param jitter acts at inference, too
   */
  public static Router sparseMixerTop1(double jitter) {
    return Router.linear(Score.IDENTITY, new Selection.TopK(1)).with(Gate.softmaxOfNear(jitter));
  }

  /**
   * Returns the k best by softmax of the condition alone, weights as they are: the same experts for
   * all rows of a diffusion step (Park et al., Switch-DiT); for {@link
   * anabranch.model.layer.Mixture.Modulated}.
   *
   * @param numbers length of the condition: the embedding of the step, which SiLU is applied to
   * @param bias whether its matrix has a bias
   */
  public static Router switchDit(int numbers, int k, boolean bias) {
    return olmoe(k).with(Source.CONDITION, new Logits.Conditioned(numbers, Activation.SILU, bias));
  }

  /**
   * Returns the first members always, and of the others the k best by softmax over all, weights as
   * they are (Chen et al., Mixture of Hidden Dimensions); for {@link
   * anabranch.model.layer.Mixture.Sliced}.
   *
   * @param shared how many members every row sees, from 0 on
   * @param k how many of the others a row sees, from 0 on; at least 1 in all
   */
  public static Router mohd(int shared, int k) {
    Router best = olmoe(Math.addExact(shared, k));
    return shared == 0 ? best : best.with(new Preference(false, null, shared));
  }

  /**
   * Returns the best of all nodes and the best of their experts at once (He et al., SMILE): row
   * {@code (i, j)} of the matrix is row i of the router of nodes plus row j of that of experts, so
   * that the softmax over all is the product of both.
   *
   * @param gate the source leaves open whether it is this product
   */
  public static Router smile(Gate gate) {
    return softmax(1, gate);
  }

  /**
   * Returns the k blocks of a network whose mean keys give the largest products (Liu et al.,
   * Avg-K): each row of the matrix is the mean of the rows of an expert's first matrix.
   *
   * @param gate the source leaves open whether blocks are weighed
   */
  public static Router averageKeys(int k, Gate gate) {
    return Router.linear(Score.IDENTITY, new Selection.TopK(k)).with(gate);
  }

  /**
   * Returns the two best by softmax, weights normalised and scaled (NLLB-MoE).
   *
   * @param afterDrop whether weights are divided by the sum over the choices that the capacity
   *     left, where it is limited; else over both
   * @param scale one minus its {@code moe_token_dropout}, which acts at inference, too
   * @param capacity usually by rank, then position
   */
  public static Router nllb(boolean afterDrop, double scale, Capacity capacity) {
    boolean late = afterDrop && capacity instanceof Capacity.Limited;
    Gate gate = new Gate(Gate.Of.SCORE, new Gate.Normalise(0, late), scale);
    return softmax(new Selection.TopK(2), gate, capacity);
  }

  /** Returns one expert by a hash of the token id, weight 1 (Roller et al., Hash Layers). */
  public static Router hash(long seed) {
    return fixed(Source.TOKEN_ID, new Logits.TokenHash(seed));
  }

  /** Returns one expert for each row, by an explicit table (Roller et al., Hash Layers). */
  public static Router hashTable(int vocabulary) {
    return fixed(Source.TOKEN_ID, new Logits.TokenTable(vocabulary));
  }

  /** Returns a random expert for each row of an item (Zuo et al., THOR). */
  public static Router thor(long seed) {
    return fixed(Source.KEY_AND_POSITION, new Logits.Random(seed));
  }

  /** Returns a random expert for all rows of an item (Zuo et al., THOR, sentence level). */
  public static Router thorOfSequence(long seed) {
    return fixed(Source.KEY, new Logits.Random(seed));
  }

  /** Returns Switch with a capacity (Fedus et al., Switch). */
  public static Router switchTop1(Capacity capacity) {
    return softmax(new Selection.TopK(1), Gate.score(), capacity);
  }

  /**
   * Returns the two best by softmax, weights divided by their sum before anything is dropped (Zoph
   * et al., ST-MoE).
   *
   * @param secondary which second choices are kept; null for all
   * @param capacity usually by rank, then position
   */
  public static Router stMoe(Selection.@Nullable Secondary secondary, Capacity capacity) {
    return softmax(
        new Selection.TopK(2, secondary),
        new Gate(Gate.Of.SCORE, new Gate.Normalise(1e-9), 1),
        capacity);
  }

  /** Returns experts that pick rows by the rows' softmax (Zhou et al., Expert Choice). */
  public static Router expertChoice(Capacity.Size rows) {
    return softmax(new Selection.ExpertChoice(rows), Gate.score(), new Capacity.Unlimited());
  }

  /**
   * Returns the router of a skip that the rows with the largest logits pass, weighed by the logit
   * (Raposo et al., Mixture-of-Depths).
   *
   * @param rows how many rows of an event run
   */
  public static Router mixtureOfDepths(Capacity.Size rows) {
    return Router.linear(Score.IDENTITY, new Selection.ExpertChoice(rows));
  }

  /**
   * Returns the router of a skip that each row passes for itself when its logit is positive,
   * weighed by the logit: the causal form for sampling (Raposo et al., Mixture-of-Depths).
   */
  public static Router mixtureOfDepthsCausal() {
    return Router.linear(Score.IDENTITY, new Selection.Threshold(0, true));
  }

  /**
   * Returns the router of a skip that a sequence takes as a whole, decided on its first event: it
   * runs when the sigmoid of the mean row's logit is at least {@code threshold} (He et al.,
   * Router-Tuning).
   */
  public static Router mindSkip(double threshold) {
    return Router.linear(Score.SIGMOID, new Selection.Threshold(threshold, false))
        .with(Source.PROMPT_MEAN, new Logits.Linear(false))
        .with(new Gate(Gate.Of.ONE, null, 1));
  }

  /**
   * Returns the router of a skip that an event takes as a whole: it runs when the sigmoid of the
   * mean row's logit is above {@code threshold} (Peng et al., I3D).
   */
  public static Router utteranceGate(double threshold) {
    return Router.linear(Score.SIGMOID, new Selection.Threshold(threshold, true))
        .with(Source.EVENT_MEAN, new Logits.Linear(true))
        .with(new Gate(Gate.Of.ONE, null, 1));
  }

  /**
   * Returns the router of a skip that each row passes for itself when the sigmoid of a small
   * network's logit is above one half, unweighed (Zhao et al., DyDiT++, tokens).
   *
   * @param inner length of the network's hidden layer, at least 1
   */
  public static Router dynamicTokens(int inner, Activation activation) {
    return Router.linear(Score.SIGMOID, new Selection.Threshold(0.5, true))
        .with(Source.HIDDEN, new Logits.Network(inner, activation, true))
        .with(new Gate(Gate.Of.ONE, null, 1));
  }

  /**
   * Returns the router of a mixture that an event takes as a whole: a member runs, unweighed, when
   * the sigmoid of the mean row's logit is above one half (Zhao et al., DyDiT++, widths).
   */
  public static Router dynamicWidths() {
    return Router.linear(Score.SIGMOID, new Selection.Threshold(0.5, true))
        .with(Source.EVENT_MEAN, new Logits.Linear(true))
        .with(new Gate(Gate.Of.ONE, null, 1));
  }

  /**
   * Returns the router of a skip that adds to what earlier ones came to: a row runs, weighed by the
   * rest to 1, until the sum reaches 1 (Lawson and Aitchison, Learning to Skip the Middle Layers).
   *
   * @param as the name of this sum, for {@link #skipMiddleAgain} and later layers
   * @param from the name of the sum before; null at the first layer
   */
  public static Router skipMiddle(String as, @Nullable String from) {
    return middle(new Logits.Accumulated(as, from, true));
  }

  /**
   * Returns the router that decides as an earlier {@link #skipMiddle} did: of the layer's other
   * operation, and of the layer opposite to it.
   *
   * @param from the name of its sum
   */
  public static Router skipMiddleAgain(String from) {
    return middle(new Logits.Recalled(from));
  }

  private static Router middle(Logits logits) {
    return Router.linear(Score.REST, new Selection.Threshold(0, true)).with(Source.HIDDEN, logits);
  }

  /**
   * Returns how many of a mixture's experts run, in order, unweighed (Wójcik et al., Adaptive
   * Computation Modules).
   */
  public static Router adaptiveComputation(boolean bias) {
    return Router.linear(Score.IDENTITY, new Selection.Prefix(0))
        .with(Source.HIDDEN, new Logits.Linear(bias))
        .with(new Gate(Gate.Of.ONE, null, 1));
  }

  private static Router corrected(
      int k, Score score, Gate.@Nullable Normalise normalise, double scale) {
    return Router.linear(score, new Selection.TopK(k))
        .with(new Preference(true, null))
        .with(new Gate(Gate.Of.SCORE, normalise, scale));
  }

  private static Router fixed(Source source, Logits logits) {
    return Router.linear(Score.IDENTITY, new Selection.TopK(1))
        .with(source, logits)
        .with(new Gate(Gate.Of.ONE, null, 1));
  }

  private static Router softmax(int k, Gate gate) {
    return softmax(new Selection.TopK(k), gate, new Capacity.Unlimited());
  }

  private static Router softmax(Selection selection, Gate gate, Capacity capacity) {
    return Router.linear(Score.SOFTMAX, selection).with(capacity).with(gate);
  }
}
