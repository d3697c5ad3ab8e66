package anabranch.conformance;

import anabranch.backend.Event;
import anabranch.model.Activation;
import anabranch.model.Attention;
import anabranch.model.Block;
import anabranch.model.Embedding;
import anabranch.model.Exit;
import anabranch.model.FeedForward;
import anabranch.model.Head;
import anabranch.model.Input;
import anabranch.model.Mixture;
import anabranch.model.ModelSpec;
import anabranch.model.Norm;
import anabranch.model.Operation;
import anabranch.model.Plan;
import anabranch.model.Sublayer;
import anabranch.model.route.Capacity;
import anabranch.model.route.Gate;
import anabranch.model.route.Logits;
import anabranch.model.route.Placement;
import anabranch.model.route.Preference;
import anabranch.model.route.Router;
import anabranch.model.route.Routers;
import anabranch.model.route.Score;
import anabranch.model.route.Selection;
import anabranch.model.route.Source;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * The space of small models over which backends are compared with the oracle: every input, norm,
 * mask, activation, router, pool, criterion and bypass of the description language, in sizes that
 * are no multiples of a vector register. The same seed draws the same case on every machine.
 *
 * <p>Confined to one draw.
 */
public final class ModelSpace {
  private static final int[] WIDTHS = {5, 8, 12, 20, 33};
  private static final int[] INNERS = {3, 5, 7, 12, 20, 33};
  private static final int MOST_ROWS = 9;

  private final SplittableRandom random;
  private final int width;
  private final Input input;
  private final boolean ofItem;
  private final int outputs;
  private final Mixing mixing;

  private enum Mixing {
    NONE,
    CAUSAL,
    FULL,
    BOTH
  }

  private ModelSpace(long seed) {
    random = new SplittableRandom(seed);
    width = pick(WIDTHS);
    input =
        chance(0.7)
            ? new Input.Tokens(7 + random.nextInt(30), MOST_ROWS)
            : new Input.Features(1 + random.nextInt(9), MOST_ROWS);
    ofItem = chance(0.35);
    outputs = 2 + random.nextInt(5);
    double mix = random.nextDouble();
    mixing =
        mix < 0.15
            ? Mixing.NONE
            : mix < 0.6 ? Mixing.CAUSAL : mix < 0.9 ? Mixing.FULL : Mixing.BOTH;
  }

  /** Returns the case of a seed. */
  public static Case draw(long seed) {
    ModelSpace space = new ModelSpace(seed);
    ModelSpec spec = space.spec();
    List<Event> events = new ArrayList<>();
    for (int rows : new int[] {3, 1, MOST_ROWS, 2 + space.random.nextInt(6)}) {
      events.add(events(spec, rows, space.random));
    }
    return new Case("seed " + seed, spec, Case.weights(spec, seed), events);
  }

  /** Returns an event that fits a description. */
  static Event events(ModelSpec spec, int rows, SplittableRandom random) {
    if (spec.input() instanceof Input.Tokens tokens) {
      int[] ids = new int[rows];
      for (int i = 0; i < rows; i++) {
        ids[i] = random.nextInt(tokens.vocabulary());
      }
      return Event.ofTokens(ids);
    }
    int features = ((Input.Features) spec.input()).features();
    float[] values = new float[rows * features];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (2 * random.nextDouble() - 1);
    }
    return Event.ofFeatures(features, values);
  }

  private ModelSpec spec() {
    List<Block> blocks = new ArrayList<>();
    int count = 1 + random.nextInt(4);
    for (int i = 0; i < count; i++) {
      blocks.add(block());
    }
    List<Plan.Part> parts = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      parts.add(blocks.get(i));
      if (i < count - 1 && chance(0.7)) {
        boolean mixesLater = blocks.subList(i + 1, count).stream().anyMatch(Block::mixes);
        boolean freezes = !ofItem && (mixesLater || chance(0.5));
        parts.add(
            new Exit(
                "after" + (i + 1),
                head(),
                new Exit.Criterion(
                    pick(Exit.Criterion.Score.values()), pick(Exit.Criterion.Comparison.values())),
                freezes ? Exit.Bypass.FREEZE_PROJECT : Exit.Bypass.TERMINATE));
      }
    }
    return new ModelSpec("drawn", width, input, embedding(), new Plan(parts), head());
  }

  private Embedding embedding() {
    Embedding.Ngrams ngrams = null;
    if (input instanceof Input.Tokens tokens && chance(0.3)) {
      ngrams =
          new Embedding.Ngrams(
              chance(0.5) ? List.of(2) : List.of(2, 4),
              pick(new int[] {2, 16, 64}),
              pick(INNERS),
              random.nextInt(tokens.vocabulary()));
    }
    return new Embedding(chance(0.5), ngrams, chance(0.3) ? norm() : null);
  }

  private Head head() {
    Head.Pool pool =
        ofItem
            ? pick(new Head.Pool[] {Head.Pool.FIRST, Head.Pool.LAST, Head.Pool.MEAN})
            : Head.Pool.EACH;
    return new Head(pool, chance(0.7) ? norm() : null, outputs, chance(0.5));
  }

  private Norm norm() {
    double epsilon = chance(0.5) ? 1e-5 : 1e-2;
    return chance(0.5) ? new Norm.Layer(epsilon) : new Norm.Rms(epsilon);
  }

  private Block block() {
    List<Operation> operations = new ArrayList<>();
    if (mixing != Mixing.NONE && chance(0.8)) {
      operations.add(attention());
    }
    if (operations.isEmpty() || chance(0.9)) {
      operations.add(chance(0.6) ? mixture() : network(chance(0.3)));
    }
    double place = random.nextDouble();
    List<Sublayer> sublayers = new ArrayList<>();
    for (Operation operation : operations) {
      String name = Sublayer.nameOf(operation);
      sublayers.add(
          place < 0.5
              ? Sublayer.preNorm(norm(), operation)
              : place < 0.75
                  ? Sublayer.postNorm(operation, norm())
                  : new Sublayer(name, norm(), operation, norm(), chance(0.3) ? norm() : null));
    }
    return new Block(sublayers);
  }

  private Attention attention() {
    boolean causal = mixing == Mixing.CAUSAL || (mixing == Mixing.BOTH && chance(0.5));
    int shared = 1 + random.nextInt(3);
    int keyValueHeads = 1 + random.nextInt(2);
    int headWidth = pick(new int[] {2, 3, 4, 6});
    return new Attention(
        keyValueHeads * shared,
        keyValueHeads,
        headWidth,
        causal ? Attention.Mask.CAUSAL : Attention.Mask.FULL,
        headWidth % 2 == 0 && chance(0.5)
            ? new Attention.Rotary(pick(new int[] {10, 10000}))
            : null,
        chance(0.4));
  }

  private FeedForward network(boolean bias) {
    return new FeedForward(pick(INNERS), pick(Activation.values()), chance(0.5), bias);
  }

  private Mixture mixture() {
    int experts = 1 + random.nextInt(7);
    return new Mixture(experts, network(chance(0.3)), router(experts));
  }

  private Router router(int experts) {
    int k = 1 + random.nextInt(Math.min(3, experts));
    int kinds = input instanceof Input.Tokens ? 8 : 7;
    switch (random.nextInt(kinds)) {
      case 0:
        return Routers.switchTop1();
      case 1:
        return Routers.mixtral(k);
      case 2:
        return Routers.olmoe(k);
      case 3:
        return Routers.gptOss(k);
      case 4:
        return Routers.deepseekV3(k, groups(experts, k), 2.5);
      case 5:
        return inputScaled(k);
      case 6:
        return corrected(k);
      default:
        return Routers.hash(random.nextLong());
    }
  }

  private Preference.@Nullable Groups groups(int experts, int k) {
    int count = experts % 3 == 0 ? 3 : experts % 2 == 0 ? 2 : 1;
    int each = experts / count;
    int keep = Math.min(count, Math.max((k + each - 1) / each, count - 1));
    return new Preference.Groups(count, keep, Math.min(2, each), chance(0.5));
  }

  /** The sigmoid of the logit scales what the expert reads (Llama 4). */
  static Router inputScaled(int k) {
    return new Router(
        Source.HIDDEN,
        new Logits.Linear(false),
        Score.IDENTITY,
        Preference.byScore(),
        new Selection.TopK(k),
        new Gate(Gate.Of.SIGMOID_OF_SELECTED, null, 1),
        new Capacity.Unlimited(),
        Placement.INPUT);
  }

  /** Softmax over all, ranked with a correction, weights divided by their sum (ERNIE 4.5). */
  static Router corrected(int k) {
    return new Router(
        Source.HIDDEN,
        new Logits.Linear(false),
        Score.SOFTMAX,
        new Preference(true, null),
        new Selection.TopK(k),
        new Gate(Gate.Of.SCORE, new Gate.Normalise(1e-9), 1.5),
        new Capacity.Unlimited(),
        Placement.OUTPUT);
  }

  private boolean chance(double probability) {
    return random.nextDouble() < probability;
  }

  private int pick(int[] values) {
    return values[random.nextInt(values.length)];
  }

  private <T> T pick(T[] values) {
    return Arrays.asList(values).get(random.nextInt(values.length));
  }
}
