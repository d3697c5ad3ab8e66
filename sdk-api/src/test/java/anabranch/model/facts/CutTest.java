package anabranch.model.facts;

import static anabranch.model.SamplePlans.run;
import static anabranch.model.facts.FactSpecs.CAUSAL;
import static anabranch.model.facts.FactSpecs.EXPERTS;
import static anabranch.model.facts.FactSpecs.FULL;
import static anabranch.model.facts.FactSpecs.MLP;
import static anabranch.model.facts.FactSpecs.NGRAMS;
import static anabranch.model.facts.FactSpecs.PLAIN;
import static anabranch.model.facts.FactSpecs.block;
import static anabranch.model.facts.FactSpecs.exit;
import static anabranch.model.facts.FactSpecs.head;
import static anabranch.model.facts.FactSpecs.spec;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.model.ModelSpec;
import anabranch.model.SamplePlans;
import anabranch.model.SampleSpecs;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Bypass;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Skip;
import anabranch.model.plan.Criterion;
import anabranch.model.plan.Head;
import anabranch.model.plan.Loop;
import anabranch.model.plan.Part;
import anabranch.model.plan.Plan;
import anabranch.model.plan.Prune;
import anabranch.model.route.Capacity;
import anabranch.model.route.Routers;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class CutTest {
  private static final Head.Pool EACH = Head.Pool.EACH;
  private static final Bypass FREEZE = Bypass.FREEZE_PROJECT;
  private static final Bypass TERMINATE = Bypass.TERMINATE;

  @Test
  void byteModelIsCutBehindItsExits() {
    ModelSpec spec = SampleSpecs.bytes();
    List<StageSpec> stages = Cut.of(spec).stages();
    assertEquals(3, stages.size());
    assertEquals(
        List.of("exits.after2", "exits.after4", "head"),
        stages.stream().map(stage -> stage.point().path()).toList());
    for (StageSpec stage : stages) {
      int from = 2 * stage.index();
      assertEquals(
          List.of("blocks." + from, "blocks." + (from + 1)),
          stage.visits().stream().map(visit -> visit.blocks().get(0).path()).toList());
      assertEquals(spec.plan().blocks().subList(from, from + 2), stage.blocks());
      assertStage(stage, Grouping.PREFIX, true, true);
      assertEquals(stage.index() == 0, stage.embeds());
    }
    assertEquals(spec.plan().exits().get(1).head(), stages.get(1).point().head());
    assertEquals(spec.head(), stages.get(2).point().head());
  }

  @Test
  void planWithoutExitsIsOneStage() {
    List<StageSpec> stages = Cut.of(spec(PLAIN, EACH, MLP, CAUSAL, EXPERTS)).stages();
    assertEquals(1, stages.size());
    assertEquals(List.of(MLP, CAUSAL, EXPERTS), stages.get(0).blocks());
    assertEquals(new Point.End(head(EACH)), stages.get(0).point());
  }

  @Test
  void stagesMayHaveDifferentLengths() {
    List<StageSpec> stages =
        Cut.of(
                spec(
                    PLAIN,
                    EACH,
                    MLP,
                    exit("a", EACH, TERMINATE),
                    MLP,
                    MLP,
                    MLP,
                    exit("b", EACH, TERMINATE),
                    MLP,
                    MLP))
            .stages();
    assertEquals(List.of(0, 1, 4), firsts(stages));
    assertEquals(List.of(1, 3, 2), stages.stream().map(stage -> stage.blocks().size()).toList());
    assertEquals(List.of(0, 1, 2), stages.stream().map(StageSpec::index).toList());
  }

  @Test
  void tokenwiseStagesTakeAnyRows() {
    assertStage(only(spec(PLAIN, EACH, MLP, EXPERTS)), Grouping.ROW, false, false);
  }

  @Test
  void causalStagesTakePrefixesAndKeepState() {
    assertStage(only(spec(PLAIN, EACH, MLP, CAUSAL)), Grouping.PREFIX, true, true);
  }

  @Test
  void fullAttentionTakesWholeEventsAndKeepsNothing() {
    assertStage(only(spec(PLAIN, EACH, FULL)), Grouping.WHOLE, true, false);
    assertStage(only(spec(PLAIN, EACH, CAUSAL, FULL)), Grouping.WHOLE, true, false);
    assertStage(only(spec(NGRAMS, EACH, FULL)), Grouping.WHOLE, true, false);
  }

  @Test
  void ngramsMakeOnlyTheFirstStageAPrefixStage() {
    List<StageSpec> stages =
        Cut.of(spec(NGRAMS, EACH, MLP, exit("a", EACH, TERMINATE), EXPERTS)).stages();
    assertStage(stages.get(0), Grouping.PREFIX, false, true);
    assertStage(stages.get(1), Grouping.ROW, false, false);
  }

  @Test
  void pooledHeadsTakeWholeEvents() {
    for (Head.Pool pool : List.of(Head.Pool.FIRST, Head.Pool.LAST, Head.Pool.MEAN)) {
      assertStage(only(spec(PLAIN, pool, MLP)), Grouping.WHOLE, false, false);
      assertStage(only(spec(PLAIN, pool, CAUSAL)), Grouping.WHOLE, true, true);
      List<StageSpec> stages =
          Cut.of(spec(PLAIN, pool, MLP, exit("a", pool, TERMINATE), CAUSAL)).stages();
      assertStage(stages.get(0), Grouping.WHOLE, false, false);
      assertStage(stages.get(1), Grouping.WHOLE, true, true);
    }
  }

  @Test
  void eachStageIsJudgedByItsOwnBlocks() {
    List<StageSpec> stages =
        Cut.of(
                spec(
                    PLAIN,
                    EACH,
                    MLP,
                    exit("a", EACH, FREEZE),
                    CAUSAL,
                    exit("b", EACH, FREEZE),
                    FULL,
                    exit("c", EACH, TERMINATE),
                    EXPERTS))
            .stages();
    assertStage(stages.get(0), Grouping.ROW, false, false);
    assertStage(stages.get(1), Grouping.PREFIX, true, true);
    assertStage(stages.get(2), Grouping.WHOLE, true, false);
    assertStage(stages.get(3), Grouping.ROW, false, false);
  }

  private static StageSpec only(ModelSpec spec) {
    List<StageSpec> stages = Cut.of(spec).stages();
    assertEquals(1, stages.size());
    assertTrue(stages.get(0).embeds());
    return stages.get(0);
  }

  private static void assertStage(
      StageSpec stage, Grouping grouping, boolean mixes, boolean keepsState) {
    assertEquals(grouping, stage.grouping());
    assertEquals(mixes, stage.mixes());
    assertEquals(keepsState, stage.keepsState());
    assertFalse(stage.blocks().isEmpty());
  }

  @Test
  void everyStepOfAPlanWithoutLoopsIsOneStage() {
    Cut cut = Cut.of(SampleSpecs.bytes());
    assertEquals(0, cut.encoderSteps());
    for (Step step : cut.steps()) {
      assertEquals(cut.stages().get(step.index()), step.stage());
      assertEquals(3, step.target());
      assertEquals(Bypass.FREEZE_PROJECT, step.stage().frozen());
    }
  }

  @Test
  void loopsWithoutAHaltAreVisitsOfOneStage() {
    Loop loop = new Loop(List.of(run(0), run(1)), 3, null);
    Cut cut = Cut.of(spec(PLAIN, EACH, MLP, CAUSAL, loop, FULL));
    StageSpec only = cut.stages().get(0);
    assertEquals(1, cut.stages().size());
    assertEquals(1, cut.steps().size());
    assertEquals(List.of(0, 1, 0, 1, 0, 1, 0, 1, 2), numbers(only));
    assertEquals(List.of(MLP, CAUSAL, MLP, CAUSAL, MLP, CAUSAL, MLP, CAUSAL, FULL), only.blocks());
  }

  @Test
  void meansRunSeveralBlocksInOneVisit() {
    Cut cut = Cut.of(spec(PLAIN, EACH, MLP, CAUSAL, new Part.Mean(List.of(1, 0))));
    List<Visit> visits = cut.stages().get(0).visits();
    assertEquals(3, visits.size());
    assertEquals(
        List.of("blocks.1", "blocks.0"),
        visits.get(2).blocks().stream().map(Visit.Member::path).toList());
    assertEquals(List.of(1, 0), visits.get(2).blocks().stream().map(Visit.Member::index).toList());
  }

  @Test
  void loopsWithAHaltAreOneStageOfSeveralSteps() {
    Loop.Halt halt = new Loop.Halt("h", EACH, Criterion.learned(), FREEZE);
    Loop loop = new Loop(List.of(run(1), run(0)), 4, halt);
    Cut cut = Cut.of(spec(PLAIN, EACH, MLP, CAUSAL, exit("x", EACH, Bypass.MASK), loop, MLP));
    assertEquals(3, cut.stages().size());
    assertEquals(6, cut.steps().size());
    assertEquals(List.of(0, 1, 1, 1, 1, 2), stagesOf(cut));
    assertEquals(List.of(6, 5, 5, 5, 5, 6), targets(cut));
    StageSpec body = cut.stages().get(1);
    assertEquals(List.of(1, 0), numbers(body));
    assertEquals(new Point.AtHalt(halt, "halts.h"), body.point());
    assertEquals(FREEZE, body.frozen());
    for (int i = 0; i < 6; i++) {
      assertEquals(i, cut.steps().get(i).index());
    }
  }

  @Test
  void whatStandsBeforeALoopIsAPassage() {
    Loop.Halt halt = new Loop.Halt("h", EACH, Criterion.learned(), FREEZE);
    Loop loop = new Loop(List.of(run(0)), 2, halt);
    Cut cut = Cut.of(spec(PLAIN, EACH, MLP, loop, MLP));
    assertEquals(new Point.Passage(), cut.stages().get(0).point());
    assertTrue(cut.stages().get(0).embeds());
    assertEquals(List.of(0, 1, 1, 2), stagesOf(cut));
    assertEquals(List.of(4, 3, 3, 4), targets(cut));
  }

  @Test
  void aLoopAtTheStartHasAnEmptyPassageThatEmbeds() {
    Loop.Halt halt = new Loop.Halt("h", EACH, Criterion.learned(), FREEZE);
    Plan plan =
        new Plan(List.of(MLP), List.of(new Loop(List.of(run(0)), 2, halt), run(0)), Map.of(), null);
    ModelSpec model = spec(PLAIN, EACH, MLP).withPlan(plan);
    Cut cut = Cut.of(model);
    assertEquals(List.of(), cut.stages().get(0).visits());
    assertTrue(cut.stages().get(0).embeds());
    assertFalse(cut.stages().get(1).embeds());
    assertEquals(List.of(4, 3, 3, 4), targets(cut));
  }

  @Test
  void aLoopAtTheEndIsFollowedByAnEmptyStage() {
    Loop.Halt halt = new Loop.Halt("h", EACH, Criterion.learned(), FREEZE);
    Cut cut = Cut.of(spec(PLAIN, EACH, MLP, new Loop(List.of(run(0)), 2, halt)));
    assertEquals(List.of(), cut.stages().get(2).visits());
    assertEquals(new Point.End(head(EACH)), cut.stages().get(2).point());
    assertEquals(List.of(0, 1, 1, 2), stagesOf(cut));
  }

  @Test
  void theChosenOrderIsCut() {
    ModelSpec model = SamplePlans.pruned();
    assertEquals(List.of("prunes.received", "exits.patient", "head"), paths(Cut.of(model)));
    ModelSpec plain =
        model.withPlan(
            new Plan(
                model.plan().blocks(), model.plan().parts(), model.plan().alternatives(), null));
    assertEquals(
        List.of("prunes.received", "prunes.learned", "exits.patient", "head"),
        paths(Cut.of(plain)));
    assertEquals(List.of("head"), paths(Cut.of(model.withPlan(model.plan().choose("short")))));
  }

  @Test
  void encodersComeFirstAndEndAsMemory() {
    ModelSpec model = SamplePlans.translator();
    Cut cut = Cut.of(model);
    assertEquals(
        List.of("encoder.exits.early", "encoder", "choices.read", "exits.soon", "head"),
        paths(cut));
    assertEquals(2, cut.encoderSteps());
    assertEquals(List.of(2, 2, 5, 5, 5), targets(cut));
    assertEquals(
        List.of(true, true, false, false, false),
        cut.stages().stream().map(StageSpec::encoder).toList());
    assertEquals(
        List.of(true, false, true, false, false),
        cut.stages().stream().map(StageSpec::embeds).toList());
    assertEquals("encoder.blocks.1", cut.stages().get(1).visits().get(0).blocks().get(0).path());
    assertEquals("blocks.1", cut.stages().get(3).visits().get(0).blocks().get(0).path());
    assertStages(cut, "WHOLE mixes", "WHOLE mixes", "PREFIX mixes keeps", "ROW keeps", "ROW keeps");
    Point.AtChoice choice = (Point.AtChoice) cut.stages().get(2).point();
    assertEquals(2, choice.depths());
    assertTrue(choice.labels());
  }

  @Test
  void pointsSayWhatUnitsAreAskedFor() {
    assertPoints(
        SamplePlans.pruned().withPlan(SamplePlans.pruned().plan()),
        "EACH ATTENTION_RECEIVED",
        "FIRST PATIENCE labels",
        "FIRST null");
    assertPoints(
        SamplePlans.told(), "EACH CONFIDENCE labels", "EACH CHOSEN", "EACH CHOSEN", "EACH null");
    assertPoints(SamplePlans.looped(), "EACH null", "MEAN SATURATION", "MEAN null");
    assertPoints(
        SamplePlans.translator(),
        "MEAN LEARNED",
        "MEAN null",
        "LAST CONFIDENCE labels",
        "EACH CHOSEN",
        "EACH null");
  }

  @Test
  void routersThatWaitMakeTheirStageWhole() {
    Capacity.Size one = new Capacity.Size.Fixed(1);
    FeedForward network = FeedForward.plain(5, Activation.RELU);
    Skip depths = new Skip(Routers.mixtureOfDepths(one), network, Bypass.MASK);
    assertStages(Cut.of(spec(PLAIN, EACH, block(depths))), "WHOLE");
    Skip causal = new Skip(Routers.mixtureOfDepthsCausal(), network, Bypass.MASK);
    assertStages(Cut.of(spec(PLAIN, EACH, block(causal))), "ROW");
    Skip sticky = new Skip(Routers.mindSkip(.5), network, Bypass.MASK);
    assertStages(Cut.of(spec(PLAIN, EACH, block(sticky))), "WHOLE keeps");
    Mixture picked = new Mixture(2, network, Routers.expertChoice(one));
    assertStages(Cut.of(spec(PLAIN, EACH, block(picked))), "WHOLE");
    Mixture drawn = new Mixture(2, network, Routers.thor(1));
    assertStages(Cut.of(spec(PLAIN, EACH, block(drawn))), "ROW");
  }

  @Test
  void recurrencesAreOfPrefixesAlsoInAHead() {
    assertStages(Cut.of(spec(PLAIN, EACH, SamplePlans.RECURRENT)), "PREFIX mixes keeps");
    assertStages(
        Cut.of(SamplePlans.shared()), "PREFIX mixes keeps", "PREFIX mixes keeps", "ROW", "ROW");
  }

  @Test
  void keysThatTravelAreKeptOverFullAttentionToo() {
    assertStages(
        Cut.of(spec(PLAIN, EACH, FULL, exit("a", EACH, Bypass.FREEZE_SHARE_KV), FULL)),
        "WHOLE mixes keeps",
        "WHOLE mixes keeps");
    assertStages(
        Cut.of(spec(PLAIN, EACH, FULL, exit("a", EACH, Bypass.FREEZE_PROJECT), FULL)),
        "WHOLE mixes",
        "WHOLE mixes");
  }

  @Test
  void prunesSeeWholeEvents() {
    assertStages(Cut.of(SamplePlans.pruned()), "WHOLE mixes", "WHOLE mixes", "WHOLE mixes");
    Prune prune = new Prune("p", Criterion.Score.LEARNED, List.of(0));
    assertStages(Cut.of(spec(PLAIN, Head.Pool.FIRST, MLP, prune, MLP)), "WHOLE", "WHOLE");
  }

  private static void assertStages(Cut cut, String... expected) {
    assertEquals(
        List.of(expected),
        cut.stages().stream()
            .map(s -> s.grouping() + (s.mixes() ? " mixes" : "") + (s.keepsState() ? " keeps" : ""))
            .toList());
  }

  private static void assertPoints(ModelSpec model, String... expected) {
    assertEquals(
        List.of(expected),
        Cut.of(model).stages().stream()
            .map(StageSpec::point)
            .map(p -> p.pool() + " " + p.score() + (p.labels() ? " labels" : ""))
            .toList());
  }

  private static List<String> paths(Cut cut) {
    return cut.stages().stream().map(stage -> stage.point().path()).toList();
  }

  private static List<Integer> stagesOf(Cut cut) {
    return cut.steps().stream().map(step -> step.stage().index()).toList();
  }

  private static List<Integer> targets(Cut cut) {
    return cut.steps().stream().map(Step::target).toList();
  }

  private static List<Integer> firsts(List<StageSpec> stages) {
    return stages.stream().map(stage -> numbers(stage).get(0)).toList();
  }

  private static List<Integer> numbers(StageSpec stage) {
    return stage.visits().stream().map(visit -> visit.blocks().get(0).index()).toList();
  }
}
