package anabranch.model.plan;

import static anabranch.Refusals.assertRefused;
import static anabranch.model.SamplePlans.CAUSAL;
import static anabranch.model.SamplePlans.FULL;
import static anabranch.model.SamplePlans.MLP;
import static anabranch.model.SamplePlans.chosen;
import static anabranch.model.SamplePlans.head;
import static anabranch.model.SamplePlans.plan;
import static anabranch.model.SamplePlans.run;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import anabranch.model.SamplePlans;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Block;
import anabranch.model.layer.Bypass;
import anabranch.model.layer.Norm;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class PlanBoundsTest {
  private static final Exit X = exit("x");

  @Test
  void partsNameBlocksThatExist() {
    assertRefused("run.block -1 is below 0", () -> run(-1));
    assertRefused("mean.blocks.size 0 is below 1", () -> new Part.Mean(List.of()));
    assertRefused("mean.blocks -2 is below 0", () -> new Part.Mean(List.of(0, -2)));
    assertRefused(
        "mean.blocks [1, 0, 1] names a block twice", () -> new Part.Mean(List.of(1, 0, 1)));
    assertRefused("plan.parts block 1 is not in 0..0", () -> plan(MLP, run(1)));
    assertRefused(
        "plan.parts block 2 is not in 0..0", () -> plan(MLP, new Part.Mean(List.of(0, 2))));
    assertRefused("plan.parts block 3 is not in 0..0", () -> plan(MLP, loop(2, run(3))));
  }

  @Test
  void plansRunSomethingAndNotForEver() {
    List<Block> blocks = List.of(MLP);
    assertRefused("plan.parts run no block", () -> new Plan(blocks, List.of(), Map.of(), null));
    Part most = loop(1024, Collections.nCopies(64, run(0)).toArray(Part[]::new));
    assertRefused("plan.parts run 65537 blocks, at most 65536", () -> plan(MLP, most));
    assertEquals(65_536, new Plan(blocks, List.of(most), Map.of(), null).depth());
  }

  @Test
  void loopsRunBlocksSomeTimes() {
    assertRefused("loop.body.size 0 is below 1", () -> loop(2));
    assertRefused("loop.times 0 is not in 1..1024", () -> loop(0, run(0)));
    assertRefused("loop.times 1025 is not in 1..1024", () -> loop(1025, run(0)));
    assertRefused("loop.body " + X + " is not a block", () -> loop(2, run(0), X));
    Part inner = loop(2, run(0));
    assertRefused("loop.body " + inner + " is not a block", () -> loop(2, inner));
  }

  @Test
  void haltsScoreWithoutLogits() {
    for (Criterion.Score score : Criterion.Score.values()) {
      if (score != Criterion.Score.LEARNED && score != Criterion.Score.SATURATION) {
        assertRefused(
            "halt \"h\" criterion " + score + " is not LEARNED or SATURATION",
            () -> halt(Head.Pool.EACH, score));
      }
    }
    assertRefused(
        "halt \"h\" pool FLATTEN has no single vector",
        () -> halt(Head.Pool.FLATTEN, Criterion.Score.LEARNED));
    assertRefused(
        "halt.id \"h h\" is not 1 to 64 letters, digits, '_' or '-'",
        () -> new Loop.Halt("h h", Head.Pool.EACH, Criterion.learned(), Bypass.MASK));
  }

  @Test
  void prunesScoreRows() {
    for (Criterion.Score score : Criterion.Score.values()) {
      if (score != Criterion.Score.LEARNED && !score.ofAttention()) {
        assertRefused(
            "prune \"p\" score "
                + score
                + " is not LEARNED, ATTENTION_RECEIVED, GRAPH_RANK or REDUNDANCY",
            () -> new Prune("p", score, List.of()));
      }
    }
    assertRefused(
        "prune \"p\" kept -1 is below 0",
        () -> new Prune("p", Criterion.Score.LEARNED, List.of(0, -1)));
    assertRefused(
        "prune.id \"\" is not 1 to 64 letters, digits, '_' or '-'",
        () -> new Prune("", Criterion.Score.LEARNED, List.of()));
    Prune prune = prune("p");
    assertRefused("prune \"p\" depth 0 is not in 1..0", () -> plan(prune, MLP));
    assertRefused("prune \"p\" depth 1 is not in 1..0", () -> plan(MLP, prune));
    plan(MLP, prune, MLP);
  }

  @Test
  void scoresOfGraphsAreToldHowRowsAreRanked() {
    GraphRank rank = new GraphRank(GraphRank.Direction.TO_READ, 3, 0, 0, 1);
    for (Criterion.Score score : List.of(Criterion.Score.GRAPH_RANK, Criterion.Score.REDUNDANCY)) {
      assertRefused(
          "prune \"p\" rank is missing for score " + score, () -> new Prune("p", score, List.of()));
    }
    assertRefused(
        "prune \"p\" rank " + rank + " is not for score LEARNED",
        () -> new Prune("p", Criterion.Score.LEARNED, List.of(), rank, null));
    assertRefused(
        "prune \"p\" compared is missing for score REDUNDANCY",
        () -> new Prune("p", Criterion.Score.REDUNDANCY, List.of(), rank, null));
    assertRefused(
        "prune \"p\" compared KEYS is not for score GRAPH_RANK",
        () -> new Prune("p", Criterion.Score.GRAPH_RANK, List.of(), rank, Prune.Compared.KEYS));
  }

  @Test
  void graphRanksHaveBounds() {
    assertRefused("graphRank.iterations 0 is not in 1..1024", () -> rank(0, 0, 0, 1));
    assertRefused("graphRank.iterations 1025 is not in 1..1024", () -> rank(1025, 0, 0, 1));
    assertRefused(
        "graphRank.epsilon -0.1 is not a finite number from 0 on", () -> rank(1, -0.1, 0, 1));
    assertRefused(
        "graphRank.leastVariance NaN is not a finite number from 0 on",
        () -> rank(1, 0, Double.NaN, 1));
    assertRefused(
        "graphRank.mostVariance Infinity is not a finite number from 0 on",
        () -> rank(1, 0, 0, Double.POSITIVE_INFINITY));
    assertRefused(
        "graphRank.mostVariance 0.1 is below leastVariance 0.2", () -> rank(1, 0, 0.2, 0.1));
  }

  private static GraphRank rank(int iterations, double epsilon, double least, double most) {
    return new GraphRank(GraphRank.Direction.TO_READ, iterations, epsilon, least, most);
  }

  @Test
  void exitsOfLogitsHaveHeads() {
    for (Criterion.Score score :
        List.of(
            Criterion.Score.CONFIDENCE,
            Criterion.Score.MARGIN,
            Criterion.Score.ENTROPY,
            Criterion.Score.PATIENCE)) {
      Criterion criterion = new Criterion(score, Criterion.Comparison.GE);
      assertRefused(
          "exit \"x\" criterion " + score + " needs a head",
          () -> new Exit("x", null, criterion, Bypass.TERMINATE));
    }
    new Exit("x", null, Criterion.learned(), Bypass.TERMINATE);
    for (Criterion.Score score : Criterion.Score.values()) {
      if (score.ofAttention()) {
        Criterion criterion = new Criterion(score, Criterion.Comparison.GE);
        assertRefused(
            "exit \"x\" criterion " + score + " is for prunes alone",
            () -> new Exit("x", head(Head.Pool.EACH), criterion, Bypass.TERMINATE));
      }
    }
  }

  @Test
  void choicesReadOneVectorForAUnit() {
    assertRefused(
        "choice \"c\" pool FLATTEN has no single vector",
        () -> choice("c", DepthChoice.From.ROWS, Head.Pool.FLATTEN));
    assertRefused(
        "choice \"c\" pool EACH does not go with rows of the memory",
        () -> choice("c", DepthChoice.From.MEMORY, Head.Pool.EACH));
    assertRefused(
        "choice.id \"c.d\" is not 1 to 64 letters, digits, '_' or '-'",
        () -> choice("c.d", DepthChoice.From.ROWS, Head.Pool.EACH));
  }

  @Test
  void choicesAndExitsThatObeyComeInPairs() {
    DepthChoice one = choice("one", DepthChoice.From.ROWS, Head.Pool.EACH);
    DepthChoice two = choice("two", DepthChoice.From.ROWS, Head.Pool.EACH);
    assertRefused(
        "exit \"e\" criterion CHOSEN has no choice before it (rule X7)",
        () -> plan(MLP, chosen("e"), MLP));
    assertRefused(
        "choice \"one\" has no exit CHOSEN behind it (rule X7)", () -> plan(MLP, one, MLP, X, MLP));
    assertRefused(
        "choice \"one\" has no exit CHOSEN between it and the next choice (rule X7)",
        () -> plan(one, MLP, two, MLP, chosen("e"), MLP));
    assertRefused("choice \"one\" depth 1 is not in 0..0", () -> plan(MLP, one));
    Plan plan = plan(one, MLP, chosen("a"), MLP, chosen("b"), MLP, two, MLP, chosen("c"), MLP);
    assertEquals(3, plan.depthsOf("one"));
    assertEquals(2, plan.depthsOf("two"));
    assertRefused("choice \"three\" is not in this plan", () -> plan.depthsOf("three"));
    assertEquals(List.of(one, two), plan.all(DepthChoice.class));
  }

  @Test
  void ordersAgreeAboutTheDepthsOfAChoice() {
    DepthChoice one = choice("one", DepthChoice.From.ROWS, Head.Pool.EACH);
    Plan plan = plan(one, MLP, chosen("a"), MLP, chosen("b"), MLP);
    Plan fewer = plan.with("fewer", List.of(one, run(0), chosen("a"), run(1)));
    assertRefused(
        "choice \"one\" has 2 depths in one order, 3 before (rule I9)",
        () -> fewer.depthsOf("one"));
    Plan absent = plan.with("absent", List.of(run(2)));
    assertEquals(3, absent.depthsOf("one"));
  }

  @Test
  void idsAreOfOneKindOfPartAndDistinct() {
    Loop loop = new Loop(List.of(run(0)), 2, halt(Head.Pool.EACH, Criterion.Score.LEARNED));
    assertRefused("exit.id \"h\" is used twice", () -> plan(MLP, loop, loop));
    assertRefused("exit.id \"x\" is used twice", () -> plan(MLP, X, MLP, prune("x"), MLP));
  }

  @Test
  void partsOfOneIdAreTheSameInEveryOrder() {
    Plan plan = plan(MLP, X, MLP);
    Exit other = new Exit("x", head(Head.Pool.EACH), Criterion.entropy(), Bypass.TERMINATE);
    assertRefused(
        "plan.alternatives part \"x\" is not the same in every order (rule I9)",
        () -> plan.with("other", List.of(run(0), other, run(1))));
    plan.with("same", List.of(run(1), X, run(0)));
  }

  @Test
  void everyOrderKeepsTheRules() {
    Plan plan = plan(MLP, X, MLP);
    assertRefused("plan.parts block 7 is not in 0..1", () -> plan.with("other", List.of(run(7))));
    assertRefused(
        "exit \"x\" depth 1 is not in 1..0", () -> plan.with("other", List.of(run(0), X)));
    assertRefused(
        "plan.alternatives \"o o\" is not 1 to 64 letters, digits, '_' or '-'",
        () -> plan.with("o o", List.of(run(0))));
    assertRefused("plan.chosen \"late\" is not one of []", () -> plan.choose("late"));
  }

  @Test
  void theChosenOrderIsWhatRuns() {
    Exit y = exit("y");
    Plan plan = plan(MLP, X, CAUSAL, FULL).with("back", List.of(run(2), run(1), y, run(0)));
    assertEquals(plan.parts(), plan.order());
    assertEquals(List.of(X), plan.exits());
    Plan back = plan.choose("back");
    assertEquals(List.of(run(2), run(1), y, run(0)), back.order());
    assertEquals(List.of(y), back.exits());
    assertEquals(2, back.depthOf("y"));
    assertRefused("exit \"x\" is not one of [y]", () -> back.depthOf("x"));
    assertEquals(List.of(X, y), plan.owners());
    assertEquals(plan.owners(), back.owners());
  }

  @Test
  void ownersStandInOneOrderWhateverTheMapSays() {
    Map<String, List<Part>> orders = new LinkedHashMap<>();
    for (String name : List.of("c", "a", "b")) {
      orders.put(name, List.of(run(0), exit(name), run(0)));
    }
    Plan plan = new Plan(List.of(MLP), List.of(run(0)), orders, null);
    assertEquals(List.of(exit("a"), exit("b"), exit("c")), plan.owners());
    orders.clear();
    assertEquals(3, plan.alternatives().size());
    assertThrows(UnsupportedOperationException.class, () -> plan.alternatives().clear());
  }

  @Test
  void depthCountsLoopsToTheirLastTimeAndEveryMemberOfAMean() {
    Plan plan = plan(MLP, loop(5, run(0), new Part.Mean(List.of(0, 1))), X, MLP);
    assertEquals(1 + 5 * 3, plan.depthOf("x"));
    assertEquals(17, plan.depth());
  }

  @Test
  void buildersStoreBlocksThatPartsName() {
    Plan.Builder builder = Plan.builder().add(MLP);
    int stored = builder.store(FULL);
    Plan plan = builder.add(run(stored)).add(CAUSAL).build();
    assertEquals(List.of(MLP, FULL, CAUSAL), plan.blocks());
    assertEquals(List.of(run(0), run(1), run(2)), plan.parts());
    assertEquals(Plan.of(MLP, FULL, CAUSAL), plan);
    assertEquals(Plan.of(List.of(MLP, FULL, CAUSAL)), plan);
  }

  @Test
  void headsHaveLayersOfSomeLength() {
    Head head = SamplePlans.head(Head.Pool.EACH);
    assertRefused(
        "head.hidden.inner 0 is not in 1..1048576", () -> head.withHidden(0, Activation.RELU));
    assertRefused(
        "head.norm does not go with pool FLATTEN: put it into the last block",
        () -> new Head(Head.Pool.FLATTEN, new Norm.Rms(1e-6), 2, false));
  }

  private static Exit exit(String id) {
    return new Exit(id, head(Head.Pool.EACH), Criterion.confidence(), Bypass.TERMINATE);
  }

  private static Prune prune(String id) {
    return new Prune(id, Criterion.Score.LEARNED, List.of(0));
  }

  private static DepthChoice choice(String id, DepthChoice.From from, Head.Pool pool) {
    return new DepthChoice(id, from, pool, false);
  }

  private static Loop.Halt halt(Head.Pool pool, Criterion.Score score) {
    return new Loop.Halt(
        "h", pool, new Criterion(score, Criterion.Comparison.GE), Bypass.TERMINATE);
  }

  private static Loop loop(int times, Part... body) {
    return new Loop(List.of(body), times, null);
  }
}
