package anabranch.conformance.reference.route;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import anabranch.backend.Event;
import anabranch.model.route.Capacity;
import anabranch.model.route.Capacity.Priority;
import anabranch.model.route.Gate;
import anabranch.model.route.Router;
import anabranch.model.route.Routers;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Who finds room, computed by hand. */
class CapacitiesTest {
  private static final double[][] SWITCH =
      Asked.ofProbabilities(
          new double[] {.75, .25},
          new double[] {.6, .4},
          new double[] {.9, .1},
          new double[] {.2, .8});

  private static final Capacity.Size ONE = new Capacity.Size.Fixed(1);

  /** Four rows, two experts, factor 1: two rows each. Expert 0 is full behind row 1. */
  @Test
  void switchDropsTheRowsThatComeLate() {
    Router router = Routers.switchTop1(Asked.capacity(share(1), Priority.POSITION));
    List<Choice> choices = Asked.decide(router, 2, SWITCH);
    assertArrayEquals(new double[] {.75, .60, 0, 1.60}, Asked.deltas(choices), 1e-12);
    assertEquals(List.of(-2), choices.get(2).taken());
    assertEquals(List.of(0), choices.get(2).dropped());
    assertEquals(List.of(), choices.get(2).experts());
    assertEquals(List.of(0.0), choices.get(2).gates());
    assertEquals(List.of(-2), choices.get(2).own());
    assertEquals(.8, choices.get(2).margin(), 1e-12, "places are no matter of rounding");
  }

  @Test
  void theGreatestGatesComeFirstWherePriorityIsByGate() {
    Router router = Routers.switchTop1(Asked.capacity(share(1), Priority.GATE));
    List<Choice> choices = Asked.decide(router, 2, SWITCH);
    assertArrayEquals(new double[] {.75, 0, .90, 1.60}, Asked.deltas(choices), 1e-12);
    assertEquals(.15, choices.get(0).margin(), 1e-12, "0.6 could come in for 0.75");
    assertEquals(.15, choices.get(1).margin(), 1e-12);
    assertEquals(.30, choices.get(2).margin(), 1e-12);
    assertEquals(.60, choices.get(3).margin(), 1e-12, "nobody competes, only the other expert");
  }

  /** p = (.5, .3, .2): .625 and .375; row 1's first choice fills expert 1. */
  @Test
  void stMoeLosesWhatItDrops() {
    double[][] z = Asked.ofProbabilities(new double[] {.5, .3, .2}, new double[] {.1, .8, .1});
    Router router = Routers.stMoe(null, Asked.capacity(ONE, Priority.RANK_THEN_POSITION));
    Choice choice = Asked.decide(router, 3, z).get(0);
    assertEquals(List.of(0, -3), choice.taken());
    assertEquals(.625, choice.gates().get(0), 1e-8);
    assertEquals(0, choice.gates().get(1));
    Router byPosition = Routers.stMoe(null, Asked.capacity(ONE, Priority.POSITION));
    List<Choice> other = Asked.decide(byPosition, 3, z);
    assertEquals(List.of(0, 1), other.get(0).taken(), "the second choice came first");
    assertEquals(.375, other.get(0).gates().get(1), 1e-8);
    assertEquals(List.of(-3, -2), other.get(1).taken());
  }

  @Test
  void gatesAreDividedAgainWhereTheSumIsOverThoseThatStay() {
    double[][] z = Asked.ofProbabilities(new double[] {.5, .3, .2}, new double[] {.1, .8, .1});
    Capacity capacity = Asked.capacity(ONE, Priority.RANK_THEN_POSITION);
    Router router =
        Asked.with(
            Routers.stMoe(null, capacity),
            new Gate(Gate.Of.SCORE, new Gate.Normalise(0, true), 2),
            capacity);
    List<Choice> choices = Asked.decide(router, 3, z);
    assertEquals(2, choices.get(0).gate(0), 1e-12);
    assertEquals(List.of(-2), choices.get(1).taken().subList(1, 2));
    assertEquals(2, choices.get(1).gate(1), 1e-12);
  }

  /**
   * The two best of (.4, .38, .22) and of (.45, .1, .45) compete for expert 0: divided at once, .4
   * / .78 is more than .45 / .9; undivided, .4 is less than .45.
   */
  @Test
  void gatesCompeteAsTheyAreBeforeAnythingIsDropped() {
    double[][] z = Asked.ofProbabilities(new double[] {.4, .38, .22}, new double[] {.45, .1, .45});
    for (boolean afterDrop : new boolean[] {false, true}) {
      Capacity capacity = Asked.capacity(ONE, Priority.GATE);
      Gate gate = new Gate(Gate.Of.SCORE, new Gate.Normalise(0, afterDrop), 1);
      Router router = Asked.with(Routers.stMoe(null, capacity), gate, capacity);
      List<Choice> choices = Asked.decide(router, 3, z);
      assertEquals(afterDrop ? List.of(-2, 1) : List.of(0, 1), choices.get(0).taken());
      assertEquals(afterDrop ? List.of(0, 2) : List.of(-2, 2), choices.get(1).taken());
      assertEquals(afterDrop ? 1 : .38 / .78, choices.get(0).gate(1), 1e-12);
    }
  }

  /** With the backend's drops forced, the oracle's own drops stay to be compared. */
  @Test
  void forcedDropsStayDropped() {
    Router router = Routers.switchTop1(Asked.capacity(share(1), Priority.POSITION));
    List<List<Integer>> forced = List.of(List.of(0), List.of(-2), List.of(0), List.of(1));
    List<Choice> choices = Asked.decide(router, 2, SWITCH, forced);
    assertArrayEquals(new double[] {.75, 0, .90, 1.60}, Asked.deltas(choices), 1e-12);
    assertEquals(List.of(-2), choices.get(1).taken());
    assertEquals(List.of(0), choices.get(1).own());
    assertEquals(List.of(-2), choices.get(2).own());
  }

  /** Spans of two rows and one: room for ceil(2/2) = 1 and ceil(1/2) = 1, or for ceil(3/2) = 2. */
  @Test
  void populationsAreSpansOrTheWholeCall() {
    for (Capacity.Population population : Capacity.Population.values()) {
      Router router =
          Routers.switchTop1(
              new Capacity.Limited(
                  new Capacity.Size.Share(1, 0, Capacity.Rounding.CEIL),
                  population,
                  Priority.POSITION));
      List<Choice> choices =
          Asked.part(router, 2)
              .decide(
                  rows(0),
                  List.of(new double[] {1, 0}, new double[] {1, 0}, new double[] {1, 0}),
                  0);
      boolean whole = population == Capacity.Population.DISPATCH;
      assertEquals(List.of(0), choices.get(0).taken());
      assertEquals(whole ? List.of(0) : List.of(-2), choices.get(1).taken(), "" + population);
      assertEquals(whole ? List.of(-2) : List.of(0), choices.get(2).taken(), "" + population);
    }
  }

  @Test
  void itemsMustComeInOneEvent() {
    Router router =
        Routers.switchTop1(new Capacity.Limited(ONE, Capacity.Population.ITEM, Priority.POSITION));
    List<double[]> logits = List.of(new double[2], new double[2], new double[2]);
    assertThrows(
        IllegalArgumentException.class, () -> Asked.part(router, 2).decide(rows(3), logits, 0));
  }

  @Test
  void nobodyFindsRoomWhereThereIsNone() {
    Capacity.Size none = new Capacity.Size.Share(.1, 0, Capacity.Rounding.FLOOR);
    Router router = Routers.switchTop1(Asked.capacity(none, Priority.GATE));
    for (Choice choice : Asked.decide(router, 2, SWITCH)) {
      assertEquals(List.of(), choice.experts());
      assertEquals(1, choice.dropped().size());
    }
  }

  private static List<Asking> rows(int first) {
    List<Asking> rows = new ArrayList<>();
    Event two = Event.ofTokens(0, 0).at(first);
    rows.add(new Asking(0, two, first, new double[0], Map.of(), null));
    rows.add(new Asking(0, two, first + 1, new double[0], Map.of(), null));
    rows.add(new Asking(1, Event.ofTokens(0), 0, new double[0], Map.of(), null));
    return rows;
  }

  private static Capacity.Size share(double factor) {
    return new Capacity.Size.Share(factor, 1, Capacity.Rounding.FLOOR);
  }
}
