package anabranch.conformance.space;

import anabranch.backend.Event;
import anabranch.error.DescriptionException;
import anabranch.model.Embedding;
import anabranch.model.Encoder;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.facts.Requirements;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Bypass;
import anabranch.model.plan.Head;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * The space of small models over which backends are compared with the oracle: every type and every
 * constant of the description language, in sizes that are no multiples of a vector register. The
 * same seed draws the same case on every machine.
 *
 * <p>Confined to one draw.
 */
public final class ModelSpace {
  /** The most rows of an event that is drawn. */
  public static final int MOST_ROWS = 9;

  private static final int[] WIDTHS = {5, 8, 12, 20, 33};
  private static final int[] INNERS = {3, 5, 7, 12, 20, 33};

  private final Dice dice;
  private final boolean batch;

  private ModelSpace(long seed, boolean batch) {
    dice = new Dice(seed);
    this.batch = batch;
  }

  /** Returns the case of a seed; results of its model do not depend on the batch. */
  public static Case draw(long seed) {
    return draw(seed, false);
  }

  /**
   * Returns the case of a seed.
   *
   * @param batch whether its model may depend on the batch
   */
  public static Case draw(long seed, boolean batch) {
    for (long attempt = 0; ; attempt++) {
      long mixed = seed + attempt * 0x9E3779B97F4A7C15L;
      try {
        ModelSpace space = new ModelSpace(mixed, batch);
        ModelSpec spec = space.spec();
        return space.inhabit("seed " + seed, spec, mixed);
      } catch (DescriptionException refused) {
        // Parts that do not go together: the next attempt of this seed draws others.
        if (attempt > 1000) {
          throw refused;
        }
      }
    }
  }

  /**
   * Returns the description of a seed at the first attempt.
   *
   * @throws DescriptionException if the parts that were drawn do not go together
   */
  public static ModelSpec attempt(long seed) {
    return new ModelSpace(seed, true).spec();
  }

  /** Returns a case of a description, with weights and rows of its own. */
  public static Case inhabit(ModelSpec spec, long seed) {
    return new ModelSpace(seed, true).inhabit("seed " + seed, spec, seed);
  }

  private Case inhabit(String name, ModelSpec spec, long seed) {
    boolean whole =
        spec.head().pool() == Head.Pool.FLATTEN
            || spec.plan().exits().stream().anyMatch(ModelSpace::flattens);
    List<Sequence> sequences = new ArrayList<>();
    int number = 0;
    for (int rows : new int[] {3, 1, MOST_ROWS, dice.between(2, 7)}) {
      sequences.add(sequence(spec, whole ? MOST_ROWS : rows, number++, dice.random));
    }
    return new Case(name, spec, Case.weights(spec, seed), sequences);
  }

  private static boolean flattens(anabranch.model.plan.Exit exit) {
    return exit.head() != null && exit.head().pool() == Head.Pool.FLATTEN;
  }

  /**
   * Returns one event of so many rows that fits a description, with a memory where it needs one.
   */
  static Sequence sequence(ModelSpec spec, int rows, int number, SplittableRandom random) {
    Event event = event(spec.input(), rows, random);
    Requirements requirements = Requirements.of(spec);
    if (requirements.keys()) {
      event = event.keyed("item" + number);
    }
    if (requirements.condition() > 0) {
      event = event.conditioned(numbers(requirements.condition(), random));
    }
    Encoder encoder = spec.encoder();
    if (encoder == null) {
      return Sequence.of(event);
    }
    Event memory = event(encoder.input(), 1 + random.nextInt(MOST_ROWS), random);
    if (requirements.keys()) {
      memory = memory.keyed("item" + number);
    }
    return new Sequence(memory.under(event), List.of(event));
  }

  /** Returns an event of so many rows. */
  public static Event event(Input input, int rows, SplittableRandom random) {
    if (input instanceof Input.Tokens tokens) {
      int[] ids = new int[rows];
      for (int i = 0; i < rows; i++) {
        ids[i] = random.nextInt(tokens.vocabulary());
      }
      return Event.ofTokens(ids);
    }
    float[] values = numbers(rows * input.numbers(), random);
    if (input instanceof Input.Records records) {
      for (int i = 0; i < values.length; i++) {
        if (records.fields().get(i % input.numbers()) instanceof Input.Field.Category category) {
          values[i] = random.nextInt(category.levels() + 2) - 1;
        }
      }
    }
    return Event.ofFeatures(input.numbers(), values);
  }

  private static float[] numbers(int count, SplittableRandom random) {
    float[] numbers = new float[count];
    for (int i = 0; i < count; i++) {
      numbers[i] = (float) (2 * random.nextDouble() - 1);
    }
    return numbers;
  }

  private ModelSpec spec() {
    int width = dice.pick(WIDTHS);
    boolean encodes = dice.chance(0.3);
    Encoder encoder = encodes ? encoder() : null;
    Input input = input();
    boolean ofItem = dice.chance(0.5);
    LayerSpace.Mixing mixing = mixing();
    boolean shares = dice.chance(0.3);
    LayerSpace layers = new LayerSpace(dice, input, mixing, encodes, shares, batch);
    Head.Pool[] pools = pools(ofItem);
    int outputs = dice.between(2, 6);
    Bypass freezing = shares ? Bypass.FREEZE_SHARE_KV : Bypass.FREEZE_PROJECT;
    PlanSpace plans =
        new PlanSpace(dice, layers, ofItem, encodes, () -> head(layers, pools, outputs), freezing);
    Head last = head(layers, pools, outputs);
    boolean prunes = ofItem && pools.length == 2;
    if (prunes) {
      layers.askAttention();
    }
    ModelSpec spec =
        new ModelSpec(
            "drawn", width, encoder, input, embedding(input, layers), plans.draw(prunes), last);
    return new LateSpace(dice.beside()).over(spec);
  }

  private Encoder encoder() {
    Input input = input();
    LayerSpace layers = new LayerSpace(dice, input, mixing(), false, false, batch);
    PlanSpace plans = new PlanSpace(dice, layers, true, false, null, Bypass.FREEZE_PROJECT);
    return new Encoder(
        input,
        embedding(input, layers),
        plans.draw(false),
        dice.chance(0.5) ? layers.norm() : null);
  }

  private LayerSpace.Mixing mixing() {
    double mix = dice.random.nextDouble();
    return mix < 0.15
        ? LayerSpace.Mixing.NONE
        : mix < 0.6
            ? LayerSpace.Mixing.CAUSAL
            : mix < 0.9 ? LayerSpace.Mixing.FULL : LayerSpace.Mixing.BOTH;
  }

  private Input input() {
    double kind = dice.random.nextDouble();
    if (kind < 0.6) {
      return new Input.Tokens(7 + dice.below(30), MOST_ROWS);
    } else if (kind < 0.8) {
      return new Input.Features(dice.between(1, 9), MOST_ROWS);
    }
    List<Input.Field> fields = new ArrayList<>();
    for (int i = 0; i < dice.between(1, 4); i++) {
      int levels = dice.between(1, 5);
      fields.add(
          dice.chance(0.5)
              ? new Input.Field.Numeric("field" + i)
              : new Input.Field.Category("field" + i, levels, dice.below(levels)));
    }
    return new Input.Records(fields, MOST_ROWS);
  }

  private Embedding embedding(Input input, LayerSpace layers) {
    Embedding.Ngrams ngrams = null;
    if (input instanceof Input.Tokens tokens && dice.chance(0.3)) {
      ngrams =
          new Embedding.Ngrams(
              dice.chance(0.5) ? List.of(2) : List.of(2, 4),
              dice.pick(new int[] {2, 16, 64}),
              dice.pick(INNERS),
              dice.below(tokens.vocabulary()));
    }
    return new Embedding(
        dice.chance(0.5),
        ngrams,
        dice.chance(0.3) ? layers.norm() : null,
        layers.multiplier(),
        dice.chance(0.2) ? new Embedding.Sinusoids(dice.below(3)) : null);
  }

  /** Returns which pools the heads of one model have: two of those, rows may be dropped. */
  private Head.Pool[] pools(boolean ofItem) {
    if (!ofItem) {
      return new Head.Pool[] {Head.Pool.EACH};
    }
    return dice.chance(0.5)
        ? new Head.Pool[] {Head.Pool.FIRST, Head.Pool.MEAN}
        : new Head.Pool[] {Head.Pool.FIRST, Head.Pool.LAST, Head.Pool.MEAN, Head.Pool.FLATTEN};
  }

  private Head head(LayerSpace layers, Head.Pool[] pools, int outputs) {
    Head.Pool pool = dice.pick(pools);
    boolean normed = pool != Head.Pool.FLATTEN && dice.chance(0.7);
    Head.@Nullable Hidden hidden =
        dice.chance(0.2)
            ? new Head.Hidden(dice.pick(INNERS), dice.pick(Activation.values()))
            : null;
    return new Head(
        pool,
        dice.chance(0.1) ? PlanSpace.body(dice, layers) : null,
        normed ? layers.norm() : null,
        hidden,
        outputs,
        dice.chance(0.5),
        layers.multiplier());
  }
}
