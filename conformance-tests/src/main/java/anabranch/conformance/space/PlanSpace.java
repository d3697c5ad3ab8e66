package anabranch.conformance.space;

import anabranch.model.layer.Block;
import anabranch.model.layer.Bypass;
import anabranch.model.plan.Criterion;
import anabranch.model.plan.DepthChoice;
import anabranch.model.plan.Exit;
import anabranch.model.plan.Head;
import anabranch.model.plan.Loop;
import anabranch.model.plan.Part;
import anabranch.model.plan.Plan;
import anabranch.model.plan.Prune;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Draws plans. Confined to one draw. */
final class PlanSpace {
  private static final Criterion.Score[] SCORES =
      Arrays.stream(Criterion.Score.values())
          .filter(score -> !score.ofGraph())
          .toArray(Criterion.Score[]::new);

  private final Dice dice;
  private final LayerSpace layers;
  private final boolean ofItem;
  private final boolean memory;
  private final @Nullable Supplier<Head> heads;
  private final Bypass freezing;
  private final boolean chooses;
  private final Plan.Builder plan = Plan.builder();
  private int ids;

  /**
   * Creates a space.
   *
   * @param heads draws the head of an exit; null in encoders
   * @param freezing the way in which rows freeze in this plan
   */
  PlanSpace(
      Dice dice,
      LayerSpace layers,
      boolean ofItem,
      boolean memory,
      @Nullable Supplier<Head> heads,
      Bypass freezing) {
    this.dice = dice;
    this.layers = layers;
    this.ofItem = ofItem;
    this.memory = memory;
    this.heads = heads;
    this.freezing = freezing;
    chooses = dice.chance(memory ? 0.6 : 0.2);
  }

  Plan draw(boolean prunes) {
    int runs = dice.between(1, 4);
    boolean choose = chooses && runs > 1;
    if (choose && dice.chance(0.5)) {
      choose();
      choose = false;
    }
    boolean chosen = chooses && runs > 1;
    for (int run = 0; run < runs; run++) {
      step();
      if (run < runs - 1) {
        if (choose) {
          choose();
          choose = false;
        } else if (prunes && dice.chance(0.98)) {
          plan.add(prune());
        }
        if (run == runs - 2 && chosen || dice.chance(0.6)) {
          plan.add(exit(run == runs - 2 && chosen));
        }
      }
    }
    Plan drawn = plan.build();
    return dice.chance(0.15) ? rearranged(drawn) : drawn;
  }

  private void choose() {
    boolean ofMemory = memory && dice.chance(0.75);
    Head.Pool pool =
        ofItem || ofMemory || dice.chance(0.3)
            ? dice.pick(new Head.Pool[] {Head.Pool.FIRST, Head.Pool.LAST, Head.Pool.MEAN})
            : Head.Pool.EACH;
    DepthChoice.From from = ofMemory ? DepthChoice.From.MEMORY : DepthChoice.From.ROWS;
    plan.add(new DepthChoice(id("choice"), from, pool, dice.chance(0.5)));
  }

  private void step() {
    switch (dice.below(10)) {
      case 0:
        plan.add(new Part.Mean(List.of(plan.store(layers.block()), plan.store(layers.block()))));
        break;
      case 1:
        plan.add(new Loop(List.of(stored()), dice.between(1, 3), null));
        break;
      case 2:
        plan.add(new Loop(List.of(stored()), dice.between(1, 3), halt()));
        break;
      default:
        plan.add(layers.block());
    }
  }

  private Part stored() {
    return new Part.Run(plan.store(layers.block()));
  }

  private Loop.Halt halt() {
    boolean whole = ofItem && dice.chance(0.5);
    Head.Pool pool = whole ? Head.Pool.MEAN : Head.Pool.EACH;
    Criterion.Score score = dice.chance(0.5) ? Criterion.Score.LEARNED : Criterion.Score.SATURATION;
    Bypass bypass = whole ? Bypass.TERMINATE : dice.chance(0.7) ? freezing : Bypass.MASK;
    return new Loop.Halt(
        id("halt"), pool, new Criterion(score, dice.pick(Criterion.Comparison.values())), bypass);
  }

  private Prune prune() {
    Criterion.Score score =
        !layers.attends() || dice.chance(0.05)
            ? Criterion.Score.LEARNED
            : Criterion.Score.ATTENTION_RECEIVED;
    return new Prune(id("prune"), score, List.of(0));
  }

  private Exit exit(boolean obeys) {
    Head head = heads == null ? null : heads.get();
    Criterion.Score score = Criterion.Score.CHOSEN;
    while (!obeys && (score == Criterion.Score.CHOSEN || score.ofAttention())) {
      score = dice.pick(SCORES);
    }
    if (head == null && score != Criterion.Score.CHOSEN) {
      score = dice.chance(0.5) ? Criterion.Score.LEARNED : Criterion.Score.SATURATION;
    }
    Criterion.Comparison comparison =
        score == Criterion.Score.CHOSEN || score == Criterion.Score.PATIENCE
            ? Criterion.Comparison.GE
            : dice.pick(Criterion.Comparison.values());
    Bypass bypass =
        ofItem
            ? Bypass.TERMINATE
            : dice.chance(0.45)
                ? freezing
                : dice.pick(new Bypass[] {Bypass.MASK, Bypass.DEFER_RECOMPUTE, Bypass.TERMINATE});
    return new Exit(id("after"), head, new Criterion(score, comparison), bypass);
  }

  private String id(String kind) {
    return (heads == null ? "encoder-" : "") + kind + ids++;
  }

  /** The same blocks in another order, without anything that decides. */
  private Plan rearranged(Plan drawn) {
    List<Part> order = new ArrayList<>();
    Integer[] numbers = new Integer[drawn.blocks().size()];
    Arrays.setAll(numbers, i -> numbers.length - 1 - i);
    for (int number : numbers) {
      order.add(new Part.Run(number));
    }
    order.add(new Part.Mean(List.of(numbers)));
    return drawn.with("other", order).choose("other");
  }

  /** Returns blocks for a head of its own. */
  static Block body(Dice dice, LayerSpace layers) {
    return Block.of(
        new anabranch.model.layer.Sublayer(
            "own",
            layers.norm(),
            dice.chance(0.6) ? layers.rarer(layers.recurrence()) : layers.network(false),
            null,
            null));
  }
}
