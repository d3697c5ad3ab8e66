package anabranch.conformance.reference.route;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

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
import java.util.List;
import org.junit.jupiter.api.Test;

/** Which members are picked, other than the k best; computed by hand. */
class SelectionsTest {
  private static final double[][] SWITCH =
      Asked.ofProbabilities(
          new double[] {.75, .25},
          new double[] {.6, .4},
          new double[] {.9, .1},
          new double[] {.2, .8});

  private static Router router(Score score, Selection selection, Gate.Of of) {
    return new Router(
        Source.HIDDEN,
        new Logits.Linear(false),
        score,
        Preference.byScore(),
        selection,
        new Gate(of, null, 1),
        new Capacity.Unlimited(),
        Placement.OUTPUT);
  }

  @Test
  void thresholdsAdmitWhatIsEnoughBestFirst() {
    for (boolean strict : new boolean[] {false, true}) {
      Selection selection = new Selection.Threshold(0.5, strict);
      Choice choice =
          Asked.one(router(Score.IDENTITY, selection, Gate.Of.SCORE), .5, .75, .25, .75);
      assertEquals(strict ? List.of(1, 3) : List.of(1, 3, 0), choice.own());
      assertEquals(0, choice.margin());
      assertEquals(.75, choice.gates().get(0));
    }
    Choice none = Asked.one(Routers.mixtureOfDepthsCausal(), -0.25);
    assertEquals(List.of(), none.experts());
    assertEquals(0.25, none.margin());
  }

  /** Choices 0 to 4 of experts: 0, 1, 2 and all 4 of them run, not one fewer. */
  @Test
  void prefixesRunAsManyAsTheBestChoice() {
    Router router = Routers.adaptiveComputation(false);
    for (int best : new int[] {0, 1, 2, 4}) {
      double[] z = new double[5];
      z[best] = 1;
      z[3] = 0.75;
      Choice choice = Asked.decide(router, 4, new double[][] {z}).get(0);
      assertEquals(List.of(0, 1, 2, 3).subList(0, best), choice.own());
      assertEquals(choice.own().stream().map(e -> 1.0).toList(), choice.gates());
      assertEquals(0.25, choice.margin());
    }
  }

  /** Equal logits go to the lower number; 0 and 1 are both raised to 2 and do not compete. */
  @Test
  void prefixesAreRaisedToTheLeast() {
    Router router = router(Score.IDENTITY, new Selection.Prefix(2), Gate.Of.SCORE);
    Choice choice = Asked.decide(router, 3, new double[][] {{3, 3, 1, 2.5}}).get(0);
    assertEquals(List.of(0, 1), choice.own());
    assertEquals(List.of(1.0, 1.0), choice.gates());
    assertEquals(0.5, choice.margin());
    Choice tie = Asked.decide(router, 3, new double[][] {{0, 0, 4, 4}}).get(0);
    assertEquals(List.of(0, 1), tie.own());
    assertEquals(0, tie.margin());
  }

  @Test
  void prefixGatesAreThoseOfTheirNumber() {
    Router router = router(Score.SOFTMAX, new Selection.Prefix(0), Gate.Of.SIGMOID_OF_SELECTED);
    Choice choice = Asked.decide(router, 2, new double[][] {{0, 1, 2}}).get(0);
    assertEquals(2, choice.gates().size());
    assertEquals(1 / (1 + Math.exp(-2)), choice.gates().get(0), 1e-12);
    assertEquals(1 / (1 + Math.exp(-2)), choice.gates().get(1), 1e-12);
  }

  /** Four rows, two experts: with c = 1 each picks 2 rows, with c = 1/2 one. */
  @Test
  void expertsChooseTheirBestRows() {
    List<Choice> two = Asked.decide(Routers.expertChoice(share(1)), 2, SWITCH);
    assertArrayEquals(new double[] {.75, .80, .90, 1.60}, Asked.deltas(two), 1e-12);
    assertEquals(.15, two.get(0).margin(), 1e-12, "0.6 could come in for 0.75");
    assertEquals(.15, two.get(1).margin(), 1e-12);
    List<Choice> one = Asked.decide(Routers.expertChoice(share(.5)), 2, SWITCH);
    assertArrayEquals(new double[] {0, 0, .90, 1.60}, Asked.deltas(one), 1e-12);
    assertEquals(List.of(), one.get(0).own());
    List<Choice> all = Asked.decide(Routers.expertChoice(share(2)), 2, SWITCH);
    assertEquals(List.of(1, 0), all.get(3).own(), "by preference");
    assertEquals(Double.POSITIVE_INFINITY, all.get(0).margin());
  }

  @Test
  void expertsTakeTheEarlierOfEqualRows() {
    double[][] equal = {{1, 1}, {1, 1}, {1, 1}};
    Router router = Routers.expertChoice(new Capacity.Size.Fixed(1));
    List<Choice> choices = Asked.decide(router, 2, equal);
    assertEquals(List.of(0, 1), choices.get(0).own());
    assertEquals(List.of(), choices.get(2).own());
    assertEquals(0, choices.get(2).margin());
  }

  /** p = (.5, .3, .2): the second gate is .375. */
  @Test
  void secondChoicesStayAboveTheThreshold() {
    double[][] z = Asked.ofProbabilities(new double[] {.5, .3, .2});
    for (double threshold : new double[] {.37, .38}) {
      Router router =
          Routers.stMoe(new Selection.Secondary(threshold, null), new Capacity.Unlimited());
      Choice choice = Asked.decide(router, 3, z).get(0);
      assertEquals(threshold < .375 ? List.of(0, 1) : List.of(0), choice.taken());
      assertEquals(.625, choice.gates().get(0), 1e-8, "the other's gate is no matter");
      assertEquals(.005, choice.margin(), 1e-8);
      Choice replayed = Asked.decide(router, 3, z, List.of(List.of(0, -1))).get(0);
      assertEquals(.625, replayed.gates().get(0), 1e-8);
    }
  }

  /**
   * Kept with the probability .375 / .75 = 1/2, by the coin of seed, block, key, position, rank.
   */
  @Test
  void secondChoicesAreDrawnByTheirGate() {
    double[][] z = new double[1000][];
    for (int r = 0; r < z.length; r++) {
      z[r] = new double[] {Math.log(.5), Math.log(.3), Math.log(.2)};
    }
    Router router = Routers.stMoe(new Selection.Secondary(.75, 11L), new Capacity.Unlimited());
    List<Choice> choices = Asked.decide(router, 3, z);
    int kept = 0;
    for (int r = 0; r < z.length; r++) {
      boolean stays = Hashes.unit(Hashes.hash(11, 0, 1, r, 1)) < .5 - 1e-8;
      assertEquals(stays ? List.of(0, 1) : List.of(0), choices.get(r).own(), "row " + r);
      kept += stays ? 1 : 0;
    }
    assertTrue(kept > 440 && kept < 560, kept + " of 1000");
  }

  private static Capacity.Size share(double factor) {
    return new Capacity.Size.Share(factor, 0, Capacity.Rounding.HALF_EVEN);
  }
}
