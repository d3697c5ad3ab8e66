package anabranch.conformance.space;

import anabranch.model.Input;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Block;
import anabranch.model.layer.Bypass;
import anabranch.model.layer.Chain;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Latent;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Operation;
import anabranch.model.layer.Recurrence;
import anabranch.model.layer.RoutedHeads;
import anabranch.model.layer.Skip;
import anabranch.model.layer.Sublayer;
import anabranch.model.position.Distances;
import anabranch.model.position.Rotary;
import anabranch.model.route.Logits;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Draws blocks. Confined to one draw. */
final class LayerSpace {
  private static final int[] INNERS = {3, 5, 7, 12, 20, 33};

  /** How the rows of a model read each other. */
  enum Mixing {
    NONE,
    CAUSAL,
    FULL,
    BOTH
  }

  private final Dice dice;
  private final Mixing mixing;
  private final boolean memory;
  private final Input input;
  private final RouterSpace routers;
  private final @Nullable Attention shape;
  private boolean asked;

  /**
   * Creates a space.
   *
   * @param memory whether there are rows of a memory to attend to
   * @param shares whether all attentions are alike, and rows may show each other's keys
   */
  LayerSpace(Dice dice, Input input, Mixing mixing, boolean memory, boolean shares, boolean batch) {
    this.dice = dice;
    this.mixing = mixing;
    this.memory = memory;
    this.input = input;
    routers = new RouterSpace(dice, input, batch);
    shape = shares && mixing != Mixing.NONE ? attention() : null;
  }

  /** Leaves attentions as they are, not skipped: what rows receive in them is asked for. */
  void askAttention() {
    asked = true;
  }

  boolean attends() {
    return mixing != Mixing.NONE;
  }

  Block block() {
    List<Operation> operations = new ArrayList<>();
    if (mixing != Mixing.NONE && dice.chance(0.9)) {
      Operation mixer = mixer();
      operations.add(asked ? mixer : maybeSkipped(mixer));
    }
    if (memory && dice.chance(0.7)) {
      operations.add(Attention.memory(dice.between(1, 2), dice.pick(new int[] {2, 3, 4})));
    }
    if (operations.isEmpty() || dice.chance(0.9)) {
      operations.add(maybeSkipped(rowwise()));
    }
    List<Sublayer> sublayers = residual(operations);
    if (dice.chance(0.1) && sublayers.stream().noneMatch(LayerSpace::skips)) {
      Skip whole = new Skip(routers.skip(), new Chain(sublayers), keys());
      return Block.of(new Sublayer("depth", null, whole, null, null));
    }
    return new Block(carrying(sublayers));
  }

  /** Returns the sublayers, or skips of them whose routers carry numbers from one to the next. */
  private List<Sublayer> carrying(List<Sublayer> sublayers) {
    Dice rare = dice.beside();
    if (asked || !rare.chance(0.18) || sublayers.stream().anyMatch(LayerSpace::skips)) {
      return sublayers;
    }
    RouterSpace space = new RouterSpace(rare, input, false);
    List<Sublayer> skips = new ArrayList<>();
    for (Sublayer sublayer : sublayers) {
      Logits logits =
          skips.isEmpty()
              ? new Logits.Accumulated("sum", null, rare.chance(0.5))
              : rare.chance(0.3)
                  ? new Logits.Accumulated("sum", "sum", rare.chance(0.5))
                  : new Logits.Recalled("sum");
      skips.add(sublayer.with(new Skip(space.carrying(logits), sublayer.operation(), keys())));
    }
    return skips;
  }

  private static boolean skips(Sublayer sublayer) {
    return sublayer.operation() instanceof Skip
        || sublayer.operation() instanceof Attention a && a.mask() == Attention.Mask.MEMORY;
  }

  private List<Sublayer> residual(List<Operation> operations) {
    double place = dice.random.nextDouble();
    List<Sublayer> sublayers = new ArrayList<>();
    for (Operation operation : operations) {
      String name = "part" + sublayers.size();
      Norm before = place < 0.5 || place >= 0.75 ? norm() : null;
      Norm after = place >= 0.75 ? norm() : null;
      Norm afterSum = place >= 0.5 && (place < 0.75 || dice.chance(0.3)) ? norm() : null;
      sublayers.add(new Sublayer(name, before, operation, after, afterSum, multiplier()));
    }
    return sublayers;
  }

  private Operation maybeSkipped(Operation operation) {
    return dice.chance(0.15) ? new Skip(routers.skip(), operation, keys()) : operation;
  }

  private Bypass keys() {
    return dice.pick(
        shape == null
            ? new Bypass[] {Bypass.MASK, Bypass.FREEZE_PROJECT}
            : new Bypass[] {Bypass.MASK, Bypass.FREEZE_SHARE_KV});
  }

  private Operation mixer() {
    boolean recurs = (mixing == Mixing.CAUSAL || mixing == Mixing.BOTH) && dice.chance(0.25);
    return recurs ? rarer(recurrence()) : shape != null ? shape : rarer(attention());
  }

  Recurrence recurrence() {
    return new Recurrence(
        dice.between(1, 9), dice.between(1, 5), dice.between(1, 4), dice.between(1, 4));
  }

  /** Returns the recurrence, or a linear memory. */
  Operation rarer(Recurrence recurrence) {
    Dice rare = dice.beside();
    return rare.chance(0.35)
        ? new Recurrence.LinearMemory(rare.between(1, 5), rare.between(1, 6), rare.chance(0.5))
        : recurrence;
  }

  private Operation rowwise() {
    return dice.chance(0.6) ? mixture() : network(dice.chance(0.3));
  }

  Norm norm() {
    double epsilon = dice.chance(0.5) ? 1e-5 : 1e-2;
    return dice.chance(0.5) ? new Norm.Layer(epsilon) : new Norm.Rms(epsilon);
  }

  @Nullable Double multiplier() {
    return dice.chance(0.2) ? 0.5 + dice.random.nextDouble() : null;
  }

  /** Returns the attention, or one whose keys, values, heads or results are made otherwise. */
  private Attention rarer(Attention attention) {
    Dice rare = dice.beside();
    double kind = rare.random.nextDouble();
    if (kind < 0.15) {
      return latent(attention, rare);
    }
    if (kind < 0.3) {
      return attention
          .withNorm((Attention.QueryKeyNorm) null)
          .withScores(
              attention.scores() == null ? null : Attention.Scores.scaled(attention.scale()))
          .withRouted(heads(rare));
    }
    return kind < 0.42
        ? attention.withBias(Attention.Bias.NONE).withClip(null).withProjections(projections(rare))
        : attention;
  }

  private Attention.RoutedProjections projections(Dice rare) {
    int experts = rare.between(1, 4);
    RouterSpace space = new RouterSpace(rare, input, false);
    return new Attention.RoutedProjections(experts, space.projections(experts));
  }

  private static Attention latent(Attention attention, Dice rare) {
    int turned = rare.pick(new int[] {0, 2, 4});
    Rotary rotary = attention.rotary();
    boolean turns = turned > 0 && rotary != null;
    Latent latent =
        new Latent(
            rare.chance(0.5) ? rare.between(1, 6) : null,
            rare.between(1, 6),
            turned,
            rare.between(1, 5),
            rare.chance(0.7) ? new Norm.Rms(1e-6) : null);
    return new Attention(
        attention.heads(),
        attention.heads(),
        turned + rare.between(1, 4),
        attention.mask(),
        turns && rotary != null
            ? new Rotary(rotary.base(), rotary.interleaved(), null, rotary.scaling())
            : null,
        Attention.Bias.NONE,
        attention.window(),
        null,
        null,
        attention.scores(),
        latent,
        null,
        null);
  }

  private RoutedHeads heads(Dice rare) {
    int experts = rare.between(1, 5);
    RouterSpace space = new RouterSpace(rare, input, false);
    return new RoutedHeads(experts, space.heads(experts), rare.chance(0.5));
  }

  private Attention attention() {
    boolean causal = mixing == Mixing.CAUSAL || (mixing == Mixing.BOTH && dice.chance(0.5));
    int shared = dice.between(1, 3);
    int keyValueHeads = dice.between(1, 2);
    int headWidth = dice.pick(new int[] {2, 3, 4, 6});
    Attention attention =
        new Attention(
            keyValueHeads * shared,
            keyValueHeads,
            headWidth,
            causal ? Attention.Mask.CAUSAL : Attention.Mask.FULL,
            headWidth % 2 == 0 && dice.chance(0.5)
                ? new Rotary(dice.pick(new int[] {10, 10000}))
                : null,
            dice.chance(0.4));
    return more(attention, dice.beside());
  }

  /** Returns the attention with some of the rarer words. */
  private Attention more(Attention attention, Dice rare) {
    boolean causal = attention.mask() == Attention.Mask.CAUSAL;
    if (attention.bias() == Attention.Bias.ALL && rare.chance(0.5)) {
      attention = attention.withBias(Attention.Bias.QUERY_KEY_VALUE);
    }
    if (attention.rotary() != null || rare.chance(0.2)) {
      attention = attention.withRotary(rotary(attention, rare));
    }
    return attention
        .withWindow(causal && rare.chance(0.25) ? window(rare) : null)
        .withNorm(
            rare.chance(0.2)
                ? new Attention.QueryKeyNorm(
                    new Norm.Rms(1e-5), rare.pick(Attention.QueryKeyNorm.Over.values()))
                : null)
        .withClip(rare.chance(0.15) ? rare.between(1, 4) / 2.0 : null)
        .withScores(rare.chance(0.4) ? scores(rare) : null);
  }

  private static Attention.Window window(Dice rare) {
    return new Attention.Window(rare.between(1, 6), rare.chance(0.4) ? rare.between(1, 3) : 0);
  }

  private static Attention.Scores scores(Dice rare) {
    boolean bothWays = rare.chance(0.5);
    return new Attention.Scores(
        rare.chance(0.5) ? rare.between(1, 4) / 4.0 : null,
        rare.chance(0.4),
        rare.chance(0.4) ? new Distances(rare.between(4, 9), rare.between(5, 9), bothWays) : null);
  }

  private static Rotary rotary(Attention attention, Dice rare) {
    int width = attention.headWidth();
    Rotary plain = attention.rotary();
    double base = plain == null ? 100 : plain.base();
    double scaled = rare.random.nextDouble();
    return new Rotary(
        base,
        rare.chance(0.3),
        width % 2 != 0 || rare.chance(0.3) ? 2 * rare.between(1, width / 2) : null,
        scaled < 0.6
            ? null
            : scaled < 0.7
                ? new Rotary.Linear(rare.between(1, 4))
                : new Rotary.Yarn(
                    rare.between(2, 8),
                    rare.pick(new int[] {16, 64, 4096}),
                    rare.pick(new int[] {4, 32}),
                    1,
                    rare.between(2, 6) / 4.0,
                    rare.chance(0.5)));
  }

  FeedForward network(boolean bias) {
    FeedForward network =
        new FeedForward(dice.pick(INNERS), dice.pick(Activation.values()), dice.chance(0.5), bias);
    return network.gated() && dice.chance(0.3)
        ? network.withLimit(0.2 + dice.random.nextDouble())
        : network;
  }

  private Mixture mixture() {
    int experts = dice.between(1, 7);
    Mixture.Specials specials = dice.chance(0.2) ? specials() : null;
    int members = experts + (specials == null ? 0 : specials.count());
    return new Mixture(
        experts,
        network(dice.chance(0.3)),
        routers.mixture(members),
        dice.chance(0.15),
        dice.chance(0.2) ? new Mixture.Shared(network(dice.chance(0.3)), dice.chance(0.5)) : null,
        specials);
  }

  private Mixture.Specials specials() {
    int zeros = dice.below(2);
    int identities = dice.below(3);
    return new Mixture.Specials(zeros, identities, zeros + identities == 0 ? 1 : dice.below(2));
  }
}
