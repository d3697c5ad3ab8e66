package anabranch.conformance.space;

import anabranch.error.DescriptionException;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Block;
import anabranch.model.layer.Chain;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Operation;
import anabranch.model.layer.Skip;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Exit;
import anabranch.model.plan.GraphRank;
import anabranch.model.plan.Head;
import anabranch.model.plan.Part;
import anabranch.model.plan.Plan;
import anabranch.model.plan.Prune;
import anabranch.model.route.Gate;
import anabranch.model.route.Logits;
import anabranch.model.route.Placement;
import anabranch.model.route.Router;
import anabranch.model.route.Routers;
import anabranch.model.route.Selection;
import anabranch.model.route.Source;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * Draws words that are put over a whole description, which leaves the draws of all others as they
 * are. Confined to one draw.
 */
final class LateSpace {
  /** The numbers of a condition, which all routers of a model have in common. */
  private static final int CONDITION = 7;

  /** What gates of modulations, and most of sliced networks, are multiplied by. */
  private static final double QUIET = 0.25;

  private final Dice dice;

  LateSpace(Dice dice) {
    this.dice = dice;
  }

  /**
   * Returns the description, seldom with sliced networks, modulations, merged rows, or conditions
   * for routers.
   */
  ModelSpec over(ModelSpec plain) {
    Dice rare = dice.beside();
    ModelSpec spec =
        rare.chance(0.18) ? Rewrite.operations(plain, operation -> sliced(operation, rare)) : plain;
    boolean conditions = dice.chance(0.25);
    ModelSpec over = dice.chance(0.2) ? Rewrite.operations(spec, this::modulated) : spec;
    over = conditions ? Rewrite.routers(over, this::conditioned) : over;
    if (drops(over) && dice.chance(0.7)) {
      return pruned(over);
    }
    return dice.chance(0.35) ? merging(over) : over;
  }

  /** Returns the description with merged rows, where what else was drawn goes with them. */
  private ModelSpec merging(ModelSpec spec) {
    try {
      return Rewrite.operations(spec, this::merged);
    } catch (DescriptionException refused) {
      return spec;
    }
  }

  private Operation merged(Operation operation) {
    boolean merges =
        operation instanceof Attention attention
            && attention.mask() == Attention.Mask.FULL
            && attention.routed() == null
            && attention.projections() == null;
    if (!merges || !dice.chance(0.7)) {
      return operation;
    }
    Norm norm = new Norm.Rms(1e-2);
    List<Sublayer> sublayers = new ArrayList<>();
    sublayers.add(new Sublayer("first", dice.chance(0.5) ? norm : null, operation, null, null));
    if (dice.chance(0.5)) {
      FeedForward network = FeedForward.plain(dice.between(1, 7), Activation.SILU);
      sublayers.add(new Sublayer("second", norm, network, null, dice.chance(0.3) ? norm : null));
    }
    List<Integer> kept = dice.chance(0.6) ? List.of(0) : List.of(dice.below(3), dice.below(9));
    return new Chain.Merged(
        dice.between(1, 4), dice.below(3), kept, new Chain(List.copyOf(sublayers)));
  }

  /** Returns whether items leave, by heads that need not read all of their rows. */
  private static boolean drops(ModelSpec spec) {
    List<Head> heads = new ArrayList<>();
    heads.add(spec.head());
    spec.plan().exits().forEach(exit -> heads.add(exit.head()));
    return spec.plan().chosen() == null
        && heads.stream()
            .allMatch(head -> head.pool().ofItem() && head.pool() != Head.Pool.FLATTEN);
  }

  /** Returns a description of items some of whose rows are dropped by the graph of an attention. */
  private ModelSpec pruned(ModelSpec spec) {
    ModelSpec full = Rewrite.operations(spec, LateSpace::full);
    ModelSpec pooled =
        Rewrite.exits(
            new ModelSpec(
                full.name(),
                full.width(),
                full.encoder(),
                full.input(),
                full.embedding(),
                full.plan(),
                pooled(full.head())),
            exit ->
                new Exit(
                    exit.id(),
                    exit.head() == null ? null : pooled(exit.head()),
                    exit.criterion(),
                    exit.bypass()));
    Plan plan = pooled.plan();
    List<Part> parts = new ArrayList<>();
    boolean drawn = false;
    for (Part part : plan.parts()) {
      parts.add(part);
      if (!drawn && part instanceof Part.Run run && draws(plan.blocks().get(run.block()))) {
        drawn = true;
        for (Prune prune : prunes(plan.blocks().get(run.block()))) {
          parts.add(prune);
          parts.add(run);
        }
      }
    }
    return drawn
        ? pooled.withPlan(new Plan(plan.blocks(), parts, plan.alternatives(), null))
        : spec;
  }

  private List<Prune> prunes(Block block) {
    boolean keys = attentions(block).stream().allMatch(a -> a.latent() == null);
    List<Integer> kept = List.of(0);
    List<Prune> prunes = new ArrayList<>();
    prunes.add(Prune.graphRank("rank", kept, rank()));
    prunes.add(Prune.redundancy("rows", kept, rank(), Prune.Compared.ROWS));
    if (keys) {
      prunes.add(Prune.redundancy("keys", kept, rank(), Prune.Compared.KEYS));
    }
    int first = dice.below(prunes.size());
    Collections.rotate(prunes, first);
    return prunes;
  }

  private GraphRank rank() {
    boolean bounded = dice.chance(0.3);
    return new GraphRank(
        dice.pick(GraphRank.Direction.values()),
        dice.between(1, 9),
        dice.chance(0.3) ? 0.01 : 0,
        bounded ? 0.0003 : 0,
        bounded ? 0.01 : 1);
  }

  /** Returns whether the last attention of a block draws a graph of all rows. */
  private static boolean draws(Block block) {
    List<Attention> all = attentions(block);
    Attention last = all.isEmpty() ? null : all.get(all.size() - 1);
    return last != null
        && last.routed() == null
        && block.sublayers().stream().anyMatch(s -> s.operation() == last);
  }

  private static List<Attention> attentions(Block block) {
    return block.operations().stream()
        .filter(Attention.class::isInstance)
        .map(Attention.class::cast)
        .filter(attention -> attention.mask() != Attention.Mask.MEMORY)
        .toList();
  }

  private static Operation full(Operation operation) {
    return operation instanceof Attention a && a.mask() == Attention.Mask.CAUSAL
        ? a.withWindow((Attention.Window) null).withMask(Attention.Mask.FULL)
        : operation;
  }

  private static Head pooled(Head head) {
    Head.Pool pool = head.pool();
    return new Head(
        pool == Head.Pool.FIRST ? pool : Head.Pool.MEAN,
        head.body(),
        head.norm(),
        head.hidden(),
        head.outputs(),
        head.bias(),
        head.multiplier());
  }

  private static Operation sliced(Operation operation, Dice rare) {
    boolean plain =
        operation instanceof FeedForward
            || operation instanceof Mixture m && m.router().source() == Source.HIDDEN;
    if (!plain || rare.chance(0.3)) {
      return operation;
    }
    int slices = rare.between(1, 5);
    int shared = rare.below(slices);
    Mixture.Sliced.Fusion fusion =
        new Mixture.Sliced.Fusion(rare.pick(Mixture.Sliced.Fusion.Kind.values()), rare.chance(0.5));
    // No router by tokens: encoders may read others, or none.
    RouterSpace routers = new RouterSpace(rare, new Input.Features(1, 1), false);
    Router any = routers.mixture(slices).with(Placement.OUTPUT);
    return new Mixture.Sliced(
        slices,
        rare.between(1, 4),
        rare.pick(Activation.values()),
        rare.chance(0.3),
        rare.chance(0.5)
            ? Routers.mohd(shared, rare.between(shared == 0 ? 1 : 0, slices - shared))
            : any.with(quiet(any.gate())),
        rare.pick(Mixture.Sliced.Scaling.values()),
        rare.chance(0.7) ? fusion : null);
  }

  private Operation modulated(Operation operation) {
    if (!plain(operation) || !dice.chance(0.4)) {
      return operation;
    }
    int experts = dice.between(1, 5);
    // No router by tokens: encoders may read others, or none.
    RouterSpace routers = new RouterSpace(dice, new Input.Features(1, 1), false);
    Router router = routers.mixture(experts).with(Placement.OUTPUT);
    return new Mixture.Modulated(experts, router.with(quiet(router.gate())), operation);
  }

  /** Returns a smaller gate: factors of products of factors make much of a rounded number. */
  private static Gate quiet(Gate gate) {
    return new Gate(gate.of(), gate.normalise(), QUIET * gate.scale(), gate.jitter());
  }

  /** Returns whether a modulation may stand around an operation. */
  private static boolean plain(Operation operation) {
    return !(operation instanceof Skip)
        && !(operation instanceof Mixture.Modulated)
        && operation.parts().stream().allMatch(LateSpace::plain);
  }

  private Router conditioned(Router router) {
    boolean fits =
        (router.source() == Source.HIDDEN || router.source() == Source.EVENT_MEAN)
            && !router.logits().carried()
            && !(router.selection() instanceof Selection.ExpertChoice);
    return fits && dice.chance(0.5)
        ? router.with(
            Source.CONDITION,
            new Logits.Conditioned(CONDITION, dice.pick(Activation.values()), dice.chance(0.5)))
        : router;
  }
}
