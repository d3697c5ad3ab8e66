package anabranch.conformance.system.bank;

import static org.junit.jupiter.api.Assertions.assertEquals;

import anabranch.backend.Numerics;
import anabranch.conformance.space.Case;
import anabranch.conformance.space.Sequence;
import anabranch.conformance.system.PublishedSystem;
import anabranch.conformance.system.Tiny;
import anabranch.conformance.trial.Subject;
import anabranch.engine.Engine;
import anabranch.engine.Inference;
import anabranch.engine.Item;
import anabranch.engine.bank.Answer;
import anabranch.engine.bank.Bank;
import anabranch.engine.bank.Choice;
import anabranch.engine.bank.Picking;
import anabranch.engine.bank.Signal;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Block;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Operation;
import anabranch.model.plan.Head;
import anabranch.model.plan.Plan;
import anabranch.model.route.Gate;
import anabranch.model.route.Routers;
import java.util.List;

/**
 * Three models, of which the second has experts of its own, behind a network that reads the mean of
 * an item: two answer, weighed by their shares of the softmax over all three.
 */
final class ModelMixture {
  private static final double[] NUMBERS = {1, -2, 3};
  private static final double[] SHARES = {0.75, 0.4, 0.9};
  private static final int[][] ITEMS = {{0, 0, 0}, {1, 1}, {0, 1}, {2, 1, 1, 2}};

  private ModelMixture() {}

  static PublishedSystem system() {
    Picking two = Picking.top(2);
    Picking other = new Picking(two.score(), two.selection(), Gate.score());
    return new PublishedSystem(
        "A06",
        "Mixture of whole models, a gate on the question",
        "Zhou et al. 2022 (robust question answering)",
        List.of(
            "computed directly, row by row",
            "a one-hot gate is that model alone",
            "a model that is not picked is not loaded"),
        List.of("how the members are trained, and the pooling of the gating network"),
        sparse().with(ITEMS),
        "bank.picking.weight.normalise",
        (kit, given) -> check(kit, given, other),
        (kit, given) -> check(kit, given, two),
        null);
  }

  private static Tiny of(String path, Operation operation) {
    float[] table = new float[6];
    for (int token = 0; token < 3; token++) {
      table[2 * token] = (float) NUMBERS[token];
      table[2 * token + 1] = Tiny.odds(SHARES[token]);
    }
    return Tiny.of(2, 3, Plan.of(Block.of(Tiny.bare(path, operation))))
        .give("embedding.tokens", table);
  }

  /** Expert e adds e + 1 times the positive part of a number, weighed by its share. */
  private static Tiny sparse() {
    Tiny tiny = of("sparse", new Mixture(2, Tiny.unit(), Routers.switchTop1()));
    return tiny.give("blocks.0.sparse.router.weight", 0, 1, 0, 0)
        .copier("blocks.0.sparse.experts.0", 0, 0, 1)
        .copier("blocks.0.sparse.experts.1", 0, 0, 2);
  }

  /** Adds some times the positive part of a number. */
  private static Case dense(float factor) {
    return of("dense", Tiny.unit()).copier("blocks.0.dense", 0, 0, factor).with(ITEMS);
  }

  /**
   * A hidden layer {@code relu(mean)}, which gives logits (ln 3, 0, -5) for its first place and
   * (-5, -ln 4, 0) for its second.
   */
  private static Case gate() {
    Head head = new Head(Head.Pool.MEAN, null, 3, false).withHidden(2, Activation.RELU);
    return Shelf.pooling("gate", 2, 3, head)
        .give("embedding.tokens", 1, 0, 0, 1, -3, 1)
        .give("head.hidden.weight", 1, 0, 0, 1)
        .give("head.weight", Tiny.odds(0.75), -5, 0, Tiny.odds(0.2), -5, 0)
        .with(ITEMS);
  }

  private static double[] member(int number, int token) {
    double share = SHARES[token];
    double best = share >= 0.5 ? share : 2 * (1 - share);
    double factor = number == 0 ? 3 : number == 1 ? best : -1;
    double x = NUMBERS[token];
    return new double[] {x + factor * Math.max(x, 0), Tiny.odds(share)};
  }

  private static void check(Subject kit, Case given, Picking picking) {
    Shelf shelf = new Shelf(kit, dense(3), given, dense(-1), gate());
    try (Bank bank =
        Bank.builder()
            .member("dense", shelf.later(0))
            .member("sparse", shelf.later(1))
            .member("inhibited", shelf.later(2))
            .gate(Signal.of(shelf.open(3)), picking)
            .build()) {
      // The mean (1, 0), then (0, 1), then both halved, then (-1, 1) of which the first is cut.
      double half = 1 / (1 + Math.exp((Math.log(3) - 5 + Math.log(4)) / 2));
      answers(shelf, bank, given, 0, "dense", 0.75, "sparse", 0.25);
      shelf.expectLoads("two were picked", 1, 1, 0, 1);
      answers(shelf, bank, given, 1, "inhibited", 0.8, "sparse", 0.2);
      answers(shelf, bank, given, 2, "sparse", half, "dense", 1 - half);
      answers(shelf, bank, given, 3, "inhibited", 0.8, "sparse", 0.2);
      shelf.expectLoads("each was picked", 1, 1, 1, 1);
    }
    alone(new Shelf(kit, dense(3), given), given);
  }

  private static Item item(Case given, int number) {
    Sequence sequence = given.sequences().get(number);
    return Item.of("item" + number, sequence.events().get(0));
  }

  private static void answers(
      Shelf shelf,
      Bank bank,
      Case given,
      int item,
      String best,
      double weight,
      String second,
      double rest) {
    Answer answer = bank.answer(item(given, item)).join();
    String what = "item " + item;
    List<Choice.Share> shares = answer.choice().shares();
    assertEquals(List.of(best, second), shares.stream().map(Choice.Share::member).toList(), what);
    assertEquals(weight, shares.get(0).weight(), 1e-5, what + ": weight of " + best);
    assertEquals(rest, shares.get(1).weight(), 1e-5, what + ": weight of " + second);
    Engine engine = bank.engine(best).join();
    int first = bank.members().indexOf(best);
    int other = bank.members().indexOf(second);
    for (int row = 0; row < ITEMS[item].length; row++) {
      double[] a = member(first, ITEMS[item][row]);
      double[] b = member(other, ITEMS[item][row]);
      double[] sum = {weight * a[0] + rest * b[0], weight * a[1] + rest * b[1]};
      shelf.expect(what + " row " + row, engine, answer.logits(row), sum);
    }
  }

  /** Two models with a gate of one, and of one and zero. */
  private static void alone(Shelf shelf, Case given) {
    for (int k = 1; k <= 2; k++) {
      try (Bank bank =
          Bank.builder()
              .member("dense", shelf.later(0))
              .member("sparse", shelf.later(1))
              .gate(Signal.always(-1000, 0), Picking.top(k))
              .build()) {
        Engine sparse = bank.engine("sparse").join();
        for (int item = 0; item < ITEMS.length; item++) {
          Answer answer = bank.answer(item(given, item)).join();
          Inference single = sparse.infer(item(given, item));
          for (int row = 0; row < single.units(); row++) {
            for (int i = 0; i < single.outputs(); i++) {
              float expected = single.logits(row).get(i);
              double allowed =
                  sparse.numerics().kind() == Numerics.Kind.TOLERANT
                      ? 1e-5 * (1 + Math.abs(expected))
                      : 0;
              String what = "one of " + k + ", item " + item + " row " + row;
              assertEquals(expected, answer.logits(row).get(i), allowed, what);
            }
          }
        }
      }
      shelf.expectLoads("the best alone, then both", k - 1, k);
    }
  }
}
