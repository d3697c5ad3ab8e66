package anabranch.routing;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.model.route.Capacity;
import anabranch.model.route.Gate;
import anabranch.model.route.Router;
import anabranch.model.route.Routers;
import anabranch.model.route.Score;
import anabranch.model.route.Selection;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class CapacityTest {
  /** Both rows want expert 0, which has room for one: the other row's second choice weighs all. */
  @Test
  void nllbWeighsWhatStaysWhereItNormalisesLate() {
    Capacity one =
        new Capacity.Limited(
            new Capacity.Size.Fixed(1),
            Capacity.Population.STEP,
            Capacity.Priority.RANK_THEN_POSITION);
    float[] logits = {2, 1, -3, 2, -3, 1};
    for (boolean late : new boolean[] {true, false}) {
      Assignment got = Call.of(2).decide(Routers.nllb(late, .8, one), 3, logits);
      assertArrayEquals(new int[] {0, 1, -2, 2}, got.experts());
      assertEquals(.8 * .731058579, got.gate(0, 0), 1e-6);
      assertEquals(late ? .8 : .8 * .268941421, got.gate(1, 1), 1e-6);
    }
  }

  private static final float[] FOUR = Call.logitsOf(.75, .25, .6, .4, .9, .1, .2, .8);

  /** R6.2: the first rows find room; the gate of a dropped one is 0. */
  @Test
  void rowsByPositionTakeTheRoom() {
    Router router = Routers.switchTop1(limited(share(1, 1), Capacity.Priority.POSITION));
    Assignment got = Call.of(4).decide(router, 2, FOUR);
    assertArrayEquals(new int[] {0, 0, -2, 1}, got.experts());
    assertArrayEquals(new float[] {.75f, .6f, 0, 1.6f}, deltas(got), 1e-6f);
  }

  /** R6.2: the greatest gates find room. */
  @Test
  void rowsByGateTakeTheRoom() {
    Router router = Routers.switchTop1(limited(share(1, 1), Capacity.Priority.GATE));
    Assignment got = Call.of(4).decide(router, 2, FOUR);
    assertArrayEquals(new float[] {.75f, 0, .9f, 1.6f}, deltas(got), 1e-6f);
  }

  /** R6.1, I1: a row that does not take part takes no room and is not counted. */
  @Test
  void frozenRowsTakeNoRoom() {
    Router router = Routers.switchTop1(limited(share(1, 1), Capacity.Priority.POSITION));
    Assignment got = Call.of(5).without(0).decide(router, 2, FOUR);
    assertArrayEquals(new float[] {0, .75f, .6f, 0, 1.6f}, deltas(got), 1e-6f);
  }

  /** R5, R6: weights are divided before anything is dropped, and never again. */
  @Test
  void whatIsDroppedIsLost() {
    float[] logits = Call.logitsOf(.5, .3, .2, .1, .8, .1);
    Capacity capacity = limited(new Capacity.Size.Fixed(1), Capacity.Priority.RANK_THEN_POSITION);
    Assignment got = Call.of(2).decide(Routers.stMoe(null, capacity), 3, logits);
    assertArrayEquals(new int[] {0, -3, 1, -2}, got.experts());
    assertArrayEquals(new float[] {.625f, 0, .888888889f, 0}, got.gates(), 1e-6f);
  }

  /**
   * R6.2: by position, the second choice of an earlier row comes before the first of a later one.
   */
  @Test
  void onlyRanksKeepSecondChoicesBehindFirstOnes() {
    float[] logits = Call.logitsOf(.5, .3, .2, .1, .8, .1);
    Capacity capacity = limited(new Capacity.Size.Fixed(1), Capacity.Priority.POSITION);
    Assignment got = Call.of(2).decide(Routers.stMoe(null, capacity), 3, logits);
    assertArrayEquals(new int[] {0, 1, -3, -2}, got.experts());
  }

  /** R5: after the drop, the sum is over what stays; a row that keeps nothing has no gates. */
  @Test
  void weightsMayBeDividedAfterTheDrop() {
    float[] logits = Call.logitsOf(.5, .3, .2, .1, .8, .1, .6, .3, .1);
    Router router =
        Call.router(
            Score.SOFTMAX,
            new Selection.TopK(2),
            new Gate(Gate.Of.SCORE, new Gate.Normalise(0, true), 2),
            limited(new Capacity.Size.Fixed(1), Capacity.Priority.RANK_THEN_POSITION));
    Assignment got = Call.of(3).decide(router, 3, logits);
    assertArrayEquals(new int[] {0, -3, 1, -2, -2, -3}, got.experts());
    assertArrayEquals(new float[] {2, 0, 2, 0, 0, 0}, got.gates(), 1e-6f);
  }

  /** R4.5, R6: a second choice that does not stay is not dropped and takes no room. */
  @Test
  void choicesThatDoNotStayTakeNoRoom() {
    float[] logits = Call.logitsOf(.8, .1, .1, .1, .8, .1);
    Capacity capacity = limited(new Capacity.Size.Fixed(1), Capacity.Priority.POSITION);
    Router router = Routers.stMoe(new Selection.Secondary(.2, null), capacity);
    Assignment got = Call.of(2).decide(router, 3, logits);
    assertArrayEquals(new int[] {0, -1, 1, -1}, got.experts());
  }

  /** R6: without a capacity nothing is dropped, however many rows come. */
  @Test
  void nothingIsDroppedUnlessTheDescriptionSaysSo() {
    for (Router router : List.of(Routers.switchTop1(), Routers.mixtral(1), Routers.olmoe(1))) {
      Assignment got = Call.of(100).decide(router, 4, repeated(100, .7, .1, .1, .1));
      for (int row = 0; row < 100; row++) {
        assertEquals(0, got.expert(row, 0));
      }
    }
  }

  /** R6.1, E6: a capacity of whole items needs them whole. */
  @Test
  void laterEventsHaveNoCapacityOfTheItem() {
    Capacity capacity =
        new Capacity.Limited(share(1, 0), Capacity.Population.ITEM, Capacity.Priority.POSITION);
    IllegalArgumentException thrown =
        assertThrows(
            IllegalArgumentException.class,
            () -> Call.of(1, 1).at(1, 4).decide(Routers.switchTop1(capacity), 2, 0, 0, 0, 0));
    assertEquals(
        "m: a capacity of whole items needs items that are one event, but span 1 begins at"
            + " position 4",
        thrown.getMessage());
  }

  /**
   * R6.1, R6.2, R6.3: all roundings, priorities and populations, against a sorted list of all
   * choices.
   */
  @Test
  void everyCapacityEqualsASortedList() {
    SplittableRandom random = new SplittableRandom(4);
    int dropped = 0;
    for (Capacity.Rounding rounding : Capacity.Rounding.values()) {
      for (Capacity.Priority priority : Capacity.Priority.values()) {
        for (Capacity.Population population : Capacity.Population.values()) {
          for (int round = 0; round < 40; round++) {
            double factor = (1 + random.nextInt(7)) * .25;
            Capacity.Size.Share size = new Capacity.Size.Share(factor, random.nextInt(2), rounding);
            Capacity.Limited capacity = new Capacity.Limited(size, population, priority);
            dropped += compare(capacity, size, 1 + random.nextInt(3), random);
          }
        }
      }
    }
    assertTrue(dropped > 1000, "only " + dropped + " choices were dropped");
  }

  /** Returns how many choices were dropped. */
  private static int compare(
      Capacity.Limited capacity, Capacity.Size.Share size, int k, SplittableRandom random) {
    int experts = 3;
    Call call = Call.of(1 + random.nextInt(4), 1 + random.nextInt(4));
    for (int row = 0; row < call.size(); row++) {
      call.live[row] = random.nextInt(5) > 0;
    }
    float[] logits = new float[call.size() * experts];
    for (int i = 0; i < logits.length; i++) {
      logits[i] = random.nextInt(4);
    }
    Selection selection = new Selection.TopK(k);
    Assignment free =
        call.decide(Call.router(Score.SOFTMAX, selection, Gate.score()), experts, logits);
    Router router = Call.router(Score.SOFTMAX, selection, Gate.score(), capacity);
    Assignment got = call.decide(router, experts, logits);
    List<Choice> all = new ArrayList<>();
    for (int row = 0; row < call.size(); row++) {
      for (int rank = 0; rank < k && call.live[row]; rank++) {
        all.add(new Choice(row, rank, free.expert(row, rank), free.gate(row, rank)));
      }
    }
    all.sort(order(capacity.priority()));
    boolean shared = capacity.population() == Capacity.Population.DISPATCH;
    int dropped = 0;
    for (Choice choice : all) {
      int rows = 0;
      for (int row = 0; row < call.size(); row++) {
        boolean together = shared || call.span[row] == call.span[choice.row];
        rows += call.live[row] && together ? 1 : 0;
      }
      long before =
          all.subList(0, all.indexOf(choice)).stream()
              .filter(other -> other.expert == choice.expert)
              .filter(other -> shared || call.span[other.row] == call.span[choice.row])
              .count();
      boolean stays = before < room(size, k, rows, experts);
      dropped += stays ? 0 : 1;
      int expert = stays ? choice.expert : -2 - choice.expert;
      assertEquals(expert, got.expert(choice.row, choice.rank), capacity + " " + choice);
      assertEquals(stays ? choice.gate : 0f, got.gate(choice.row, choice.rank));
    }
    return dropped;
  }

  private record Choice(int row, int rank, int expert, float gate) {}

  private static Comparator<Choice> order(Capacity.Priority priority) {
    Comparator<Choice> byRow = Comparator.comparing(Choice::row);
    return switch (priority) {
      case POSITION -> byRow.thenComparing(Choice::rank);
      case RANK_THEN_POSITION -> Comparator.comparing(Choice::rank).thenComparing(byRow);
      case GATE ->
          Comparator.comparing(Choice::gate)
              .reversed()
              .thenComparing(byRow)
              .thenComparing(Choice::rank);
    };
  }

  private static int room(Capacity.Size.Share size, int k, int rows, int experts) {
    RoundingMode mode =
        switch (size.rounding()) {
          case FLOOR -> RoundingMode.FLOOR;
          case HALF_EVEN -> RoundingMode.HALF_EVEN;
          case CEIL -> RoundingMode.CEILING;
        };
    int share =
        BigDecimal.valueOf(size.factor())
            .multiply(BigDecimal.valueOf((long) k * rows))
            .divide(BigDecimal.valueOf(experts), 0, mode)
            .intValueExact();
    return Math.min(rows, Math.max(size.least(), share));
  }

  private static float[] deltas(Assignment got) {
    float[] deltas = new float[got.rows()];
    for (int row = 0; row < deltas.length; row++) {
      deltas[row] = got.gate(row, 0) * (got.expert(row, 0) + 1);
    }
    return deltas;
  }

  private static float[] repeated(int rows, double... probabilities) {
    float[] all = new float[rows * probabilities.length];
    for (int row = 0; row < rows; row++) {
      System.arraycopy(
          Call.logitsOf(probabilities), 0, all, row * probabilities.length, probabilities.length);
    }
    return all;
  }

  private static Capacity.Size share(double factor, int least) {
    return new Capacity.Size.Share(factor, least, Capacity.Rounding.FLOOR);
  }

  private static Capacity limited(Capacity.Size size, Capacity.Priority priority) {
    return new Capacity.Limited(size, Capacity.Population.STEP, priority);
  }
}
