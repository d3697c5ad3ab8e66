package anabranch.conformance.space;

import anabranch.model.Input;
import anabranch.model.layer.Activation;
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
import org.jspecify.annotations.Nullable;

/** Draws routers: presets by name, and any steps that go together. Confined to one draw. */
final class RouterSpace {
  private final Dice dice;
  private final Input input;
  private final boolean batch;

  /**
   * Creates a space.
   *
   * @param batch whether capacities of the whole call are drawn too
   */
  RouterSpace(Dice dice, Input input, boolean batch) {
    this.dice = dice;
    this.input = input;
    this.batch = batch;
  }

  Router mixture(int experts) {
    return dice.chance(0.5) ? named(experts) : steps(experts);
  }

  /** Draws the router of heads: the same number of experts for every row, whoever is there. */
  Router heads(int experts) {
    for (int tries = 0; tries < 4; tries++) {
      Router drawn = mixture(experts);
      boolean fits =
          drawn.selection() instanceof Selection.TopK top
              && top.secondary() == null
              && drawn.capacity() instanceof Capacity.Unlimited
              && drawn.placement() == Placement.OUTPUT;
      if (fits) {
        return drawn;
      }
    }
    return Routers.granite(dice.between(1, experts));
  }

  /** Returns a router of projections, which reads the row alone. */
  Router projections(int experts) {
    Router drawn = heads(experts);
    boolean fits = drawn.source() == Source.HIDDEN && !drawn.logits().carried();
    return fits && dice.chance(0.5) ? drawn : Routers.switchHead(dice.between(1, experts));
  }

  private Router named(int experts) {
    int k = dice.between(1, Math.min(3, experts));
    switch (dice.below(32)) {
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
        return Routers.llama4(k);
      case 6:
        return Routers.ernie45(k);
      case 7:
        return Routers.switchTop1(capacity());
      case 8:
        return experts < 2 ? Routers.olmoe(1) : Routers.stMoe(secondary(), capacity());
      case 9:
        return Routers.expertChoice(size());
      case 10:
      case 14:
        return Routers.thor(dice.random.nextLong());
      case 11:
      case 13:
        return Routers.thorOfSequence(dice.random.nextLong());
      case 12:
        return Routers.adaptiveComputation(dice.chance(0.5));
      case 15:
        return deepseekV2(experts, k);
      case 16:
        return Routers.glm4Moe(k, 1.5);
      case 17:
        return Routers.longcat(k, 6);
      case 18:
        return dice.chance(0.5) ? Routers.granite(k) : Routers.thor(dice.random.nextLong());
      case 19:
      case 20:
        return experts < 2 ? Routers.dbrx(1) : Routers.sparseMixer(jitter());
      case 21:
        return experts < 2
            ? Routers.qwen2Moe(1, true)
            : Routers.nllb(dice.chance(0.5), 0.8, capacity());
      default:
        return hashed();
    }
  }

  private Router deepseekV2(int experts, int k) {
    Preference.Groups groups = groups(experts, k);
    return Routers.deepseekV2(k, groups.count(), groups.keep(), 2);
  }

  private double jitter() {
    return dice.pick(new Double[] {0.01, 0.2, 0.4});
  }

  private Router hashed() {
    if (!(input instanceof Input.Tokens tokens)) {
      return Routers.switchTop1();
    }
    return dice.chance(0.5)
        ? Routers.hash(dice.random.nextLong())
        : Routers.hashTable(tokens.vocabulary());
  }

  /** Any steps that go together. */
  private Router steps(int experts) {
    Score score = dice.pick(new Score[] {Score.SOFTMAX, Score.SIGMOID, Score.IDENTITY});
    Selection selection = selection(experts, score);
    boolean topK = selection instanceof Selection.TopK;
    Source source =
        dice.chance(0.8) || selection instanceof Selection.ExpertChoice
            ? Source.HIDDEN
            : Source.EVENT_MEAN;
    Preference.Groups groups =
        topK && dice.chance(0.3) ? groups(experts, selection.most(experts)) : null;
    Capacity capacity = topK && dice.chance(0.5) ? capacity() : new Capacity.Unlimited();
    boolean corrects = dice.chance(0.3);
    return new Router(
        source,
        matrix(),
        score,
        new Preference(corrects, groups, groups == null ? always(selection) : null),
        selection,
        gate(selection, score, capacity instanceof Capacity.Limited),
        capacity,
        dice.chance(0.2) ? Placement.INPUT : Placement.OUTPUT);
  }

  private @Nullable Integer always(Selection selection) {
    Dice rare = dice.beside();
    return rare.chance(0.15) && selection instanceof Selection.TopK top && top.secondary() == null
        ? Integer.valueOf(rare.between(1, top.k()))
        : null;
  }

  private Selection selection(int experts, Score score) {
    switch (dice.below(6)) {
      case 0:
        return threshold(score);
      case 1:
        return new Selection.Prefix(dice.below(Math.min(2, experts) + 1));
      case 2:
        return new Selection.ExpertChoice(size());
      default:
        int k = dice.between(1, Math.min(3, experts));
        return new Selection.TopK(k, k > 1 && dice.chance(0.3) ? secondary() : null);
    }
  }

  Selection.Threshold threshold(Score score) {
    double bound =
        switch (score) {
          case SOFTMAX -> 0.2 + 0.3 * dice.random.nextDouble();
          case SIGMOID -> 0.3 + 0.4 * dice.random.nextDouble();
          case REST -> 0.5 * dice.random.nextDouble();
          case IDENTITY -> dice.random.nextDouble() - 0.5;
        };
    return new Selection.Threshold(bound, dice.chance(0.5));
  }

  private Gate gate(Selection selection, Score score, boolean limited) {
    Gate.Of of = dice.pick(Gate.Of.values());
    boolean topK = selection instanceof Selection.TopK;
    boolean all = selection instanceof Selection.TopK top && top.secondary() == null;
    if (of == Gate.Of.SOFTMAX_OF_NEAR ? !all : of.ofOthers() && !topK) {
      of = Gate.Of.ONE;
    }
    boolean positive = of != Gate.Of.SCORE || score != Score.IDENTITY;
    Gate.Normalise normalise =
        topK && positive && dice.chance(0.5)
            ? new Gate.Normalise(dice.chance(0.5) ? 0 : 1e-9, limited && dice.chance(0.5))
            : null;
    return new Gate(
        of,
        normalise,
        dice.chance(0.7) ? 1 : 0.5 + dice.random.nextDouble(),
        of == Gate.Of.SOFTMAX_OF_NEAR ? jitter() : null);
  }

  private Selection.Secondary secondary() {
    return new Selection.Secondary(
        0.1 + 0.4 * dice.random.nextDouble(), dice.chance(0.5) ? dice.random.nextLong() : null);
  }

  Capacity.Size size() {
    return dice.chance(0.3)
        ? new Capacity.Size.Fixed(dice.between(1, 4))
        : new Capacity.Size.Share(
            dice.pick(new Double[] {0.5, 1.0, 1.25, 2.0}),
            dice.below(3),
            dice.pick(Capacity.Rounding.values()));
  }

  private Capacity capacity() {
    Capacity.Population[] populations = Capacity.Population.values();
    Capacity.Population population = dice.pick(populations);
    if (population == Capacity.Population.DISPATCH && !batch) {
      population = Capacity.Population.ITEM;
    }
    return new Capacity.Limited(size(), population, dice.pick(Capacity.Priority.values()));
  }

  private Preference.Groups groups(int experts, int k) {
    int count = experts % 3 == 0 ? 3 : experts % 2 == 0 ? 2 : 1;
    int each = experts / count;
    int keep = Math.min(count, Math.max((k + each - 1) / each, count - 1));
    return new Preference.Groups(count, keep, Math.min(2, each), dice.chance(0.5));
  }

  /** Draws the router of a skip. */
  Router skip() {
    switch (dice.below(5)) {
      case 0:
        return Routers.mixtureOfDepths(size());
      case 1:
        return Routers.mixtureOfDepthsCausal();
      case 2:
        return Routers.mindSkip(0.5);
      case 3:
        return member(Source.EVENT_MEAN);
      default:
        return member(Source.HIDDEN);
    }
  }

  /** Draws the router of a skip that carries numbers from one to the next. */
  Router carrying(Logits logits) {
    Score score = dice.chance(0.7) ? Score.REST : Score.SIGMOID;
    return Router.linear(score, threshold(score)).with(Source.HIDDEN, logits);
  }

  private Logits matrix() {
    Logits plain = new Logits.Linear(dice.chance(0.5));
    Dice rare = dice.beside();
    return rare.chance(0.25)
        ? new Logits.Network(rare.between(1, 9), rare.pick(Activation.values()), rare.chance(0.5))
        : plain;
  }

  private Router member(Source source) {
    Score score = dice.chance(0.5) ? Score.SIGMOID : Score.IDENTITY;
    return new Router(
        source,
        matrix(),
        score,
        Preference.byScore(),
        threshold(score),
        new Gate(dice.chance(0.5) ? Gate.Of.SCORE : Gate.Of.ONE, null, 1),
        new Capacity.Unlimited(),
        Placement.OUTPUT);
  }
}
