package anabranch.model.facts;

import static anabranch.model.facts.FactSpecs.CAUSAL;
import static anabranch.model.facts.FactSpecs.EXPERTS;
import static anabranch.model.facts.FactSpecs.FULL;
import static anabranch.model.facts.FactSpecs.MLP;
import static anabranch.model.facts.FactSpecs.NGRAMS;
import static anabranch.model.facts.FactSpecs.PLAIN;
import static anabranch.model.facts.FactSpecs.exit;
import static anabranch.model.facts.FactSpecs.head;
import static anabranch.model.facts.FactSpecs.spec;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.model.Exit;
import anabranch.model.Head;
import anabranch.model.ModelSpec;
import anabranch.model.SampleSpecs;
import java.util.List;
import org.junit.jupiter.api.Test;

class CutTest {
  private static final Head.Pool EACH = Head.Pool.EACH;
  private static final Exit.Bypass FREEZE = Exit.Bypass.FREEZE_PROJECT;
  private static final Exit.Bypass TERMINATE = Exit.Bypass.TERMINATE;

  @Test
  void byteModelIsCutBehindItsExits() {
    ModelSpec spec = SampleSpecs.bytes();
    List<StageSpec> stages = Cut.of(spec);
    assertEquals(3, stages.size());
    assertEquals(
        List.of("exits.after2", "exits.after4", "head"),
        stages.stream().map(stage -> stage.point().path()).toList());
    for (StageSpec stage : stages) {
      int from = 2 * stage.index();
      assertEquals(from, stage.firstBlock());
      assertEquals(spec.plan().blocks().subList(from, from + 2), stage.blocks());
      assertStage(stage, Grouping.PREFIX, true, true);
      assertEquals(stage.index() == 0, stage.embeds());
    }
    assertEquals(spec.plan().exits().get(1).head(), stages.get(1).point().head());
    assertEquals(spec.head(), stages.get(2).point().head());
  }

  @Test
  void planWithoutExitsIsOneStage() {
    List<StageSpec> stages = Cut.of(spec(PLAIN, EACH, MLP, CAUSAL, EXPERTS));
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
                MLP));
    assertEquals(List.of(0, 1, 4), stages.stream().map(StageSpec::firstBlock).toList());
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
    List<StageSpec> stages = Cut.of(spec(NGRAMS, EACH, MLP, exit("a", EACH, TERMINATE), EXPERTS));
    assertStage(stages.get(0), Grouping.PREFIX, false, true);
    assertStage(stages.get(1), Grouping.ROW, false, false);
  }

  @Test
  void pooledHeadsTakeWholeEvents() {
    for (Head.Pool pool : List.of(Head.Pool.FIRST, Head.Pool.LAST, Head.Pool.MEAN)) {
      assertStage(only(spec(PLAIN, pool, MLP)), Grouping.WHOLE, false, false);
      assertStage(only(spec(PLAIN, pool, CAUSAL)), Grouping.WHOLE, true, true);
      List<StageSpec> stages = Cut.of(spec(PLAIN, pool, MLP, exit("a", pool, TERMINATE), CAUSAL));
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
                EXPERTS));
    assertStage(stages.get(0), Grouping.ROW, false, false);
    assertStage(stages.get(1), Grouping.PREFIX, true, true);
    assertStage(stages.get(2), Grouping.WHOLE, true, false);
    assertStage(stages.get(3), Grouping.ROW, false, false);
  }

  private static StageSpec only(ModelSpec spec) {
    List<StageSpec> stages = Cut.of(spec);
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
}
