package anabranch.model;

import static anabranch.Refusals.assertRefused;
import static anabranch.model.SamplePlans.plan;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.model.layer.Activation;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Block;
import anabranch.model.layer.Bypass;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Criterion;
import anabranch.model.plan.Exit;
import anabranch.model.plan.Head;
import anabranch.model.plan.Part;
import anabranch.model.plan.Plan;
import anabranch.model.route.Routers;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Rules E1 and X11. */
class ModelBoundsTest {
  private static final Input TOKENS = new Input.Tokens(10, 5);
  private static final Input FEATURES = new Input.Features(3, 5);
  private static final Block MLP =
      Block.of(Sublayer.preNorm(new Norm.Layer(1e-5), FeedForward.plain(2, Activation.RELU)));
  private static final Block MIXING =
      Block.of(Sublayer.preNorm(new Norm.Layer(1e-5), Attention.causal(1, 2)));
  private static final Head EACH = new Head(Head.Pool.EACH, null, 2, false);
  private static final Head FIRST = new Head(Head.Pool.FIRST, null, 2, false);

  @Test
  void modelHasANameAndAWidth() {
    assertRefused(
        "model.name \"a b\" is not 1 to 64 letters, digits, '_' or '-'",
        () -> model("a b", 4, TOKENS, Embedding.plain(), EACH, MLP));
    assertRefused(
        "model.name \"\" is not 1 to 64 letters, digits, '_' or '-'",
        () -> model("", 4, TOKENS, Embedding.plain(), EACH, MLP));
    assertRefused(
        "model.width 0 is not in 1..1048576",
        () -> model("m", 0, TOKENS, Embedding.plain(), EACH, MLP));
    assertRefused(
        "model.width 1048577 is not in 1..1048576",
        () -> model("m", 1_048_577, TOKENS, Embedding.plain(), EACH, MLP));
  }

  @Test
  void inputIsBounded() {
    assertRefused("input.vocabulary 0 is below 1", () -> new Input.Tokens(0, 1));
    assertRefused("input.maxLength 0 is not in 1..16777216", () -> new Input.Tokens(1, 0));
    assertRefused(
        "input.maxLength 16777217 is not in 1..16777216", () -> new Input.Tokens(1, 16_777_217));
    assertRefused("input.features 0 is below 1", () -> new Input.Features(0, 1));
    assertRefused("input.maxLength 0 is not in 1..16777216", () -> new Input.Features(1, 0));
    assertRefused(
        "input.maxLength 16777217 is not in 1..16777216", () -> new Input.Features(1, 16_777_217));
  }

  @Test
  void ngramsAreBounded() {
    assertRefused("embedding.ngrams.orders.size 0 is below 1", () -> ngrams(List.of(), 2, 1, 0));
    assertRefused("embedding.ngrams.orders 1 is not in 2..8", () -> ngrams(List.of(1), 2, 1, 0));
    assertRefused("embedding.ngrams.orders 9 is not in 2..8", () -> ngrams(List.of(9), 2, 1, 0));
    assertRefused(
        "embedding.ngrams.orders [3, 2, 3] names an order twice",
        () -> ngrams(List.of(3, 2, 3), 2, 1, 0));
    assertRefused(
        "embedding.ngrams.buckets 1 is not in 2..16777216", () -> ngrams(List.of(2), 1, 1, 0));
    assertRefused(
        "embedding.ngrams.buckets 33554432 is not in 2..16777216",
        () -> ngrams(List.of(2), 1 << 25, 1, 0));
    assertRefused(
        "embedding.ngrams.buckets 24 is not a power of two", () -> ngrams(List.of(2), 24, 1, 0));
    assertRefused("embedding.ngrams.inner 0 is below 1", () -> ngrams(List.of(2), 2, 0, 0));
    assertRefused("embedding.ngrams.begin -1 is below 0", () -> ngrams(List.of(2), 2, 1, -1));
    assertEquals(List.of(2, 3), ngrams(List.of(3, 2), 2, 1, 0).orders());
  }

  @Test
  void ngramsNeedTokenIdsAndStartWithOne() {
    assertRefused(
        "embedding.ngrams needs token ids, input is features",
        () -> withNgrams(FEATURES, ngrams(List.of(2), 2, 1, 0)));
    assertRefused(
        "embedding.ngrams.begin 10 is not in 0..9",
        () -> withNgrams(TOKENS, ngrams(List.of(2), 2, 1, 10)));
    withNgrams(TOKENS, ngrams(List.of(2), 2, 1, 9));
  }

  @Test
  void routersThatHashNeedTokenIds() {
    Block hashed =
        Block.of(
            Sublayer.postNorm(
                new Mixture(2, FeedForward.plain(2, Activation.RELU), Routers.hash(1)),
                new Norm.Rms(1e-6)));
    assertRefused(
        "router logits by token id need token ids, input is features",
        () -> model("m", 4, FEATURES, Embedding.plain(), EACH, hashed));
    model("m", 4, TOKENS, Embedding.plain(), EACH, hashed);
  }

  @Test
  void headHasOutputs() {
    assertRefused("head.outputs 0 is below 1", () -> new Head(Head.Pool.EACH, null, 0, false));
  }

  @Test
  void blocksHaveSublayersOfDistinctNames() {
    assertRefused("block.sublayers.size 0 is below 1", () -> Block.of());
    Sublayer mlp = MLP.sublayers().get(0);
    assertRefused("sublayer.name \"feedForward\" is used twice", () -> Block.of(mlp, mlp));
    assertRefused(
        "sublayer.name \"a.b\" is not 1 to 64 letters, digits, '_' or '-'",
        () -> new Sublayer("a.b", null, mlp.operation(), null, null));
  }

  @Test
  void planStartsAndEndsWithABlock() {
    Exit exit = exit("x", EACH, Bypass.TERMINATE);
    assertRefused("plan.blocks.size 0 is below 1", () -> Plan.builder().build());
    assertRefused("exit \"x\" depth 0 is not in 1..1", () -> plan(exit, MLP, MLP));
    assertRefused("exit \"x\" depth 2 is not in 1..1", () -> plan(MLP, MLP, exit));
    assertRefused("exit \"x\" depth 1 is not in 1..0", () -> plan(MLP, exit));
  }

  @Test
  void exitsHaveDistinctIdsAndDepths() {
    Exit x = exit("x", EACH, Bypass.TERMINATE);
    Exit y = exit("y", EACH, Bypass.TERMINATE);
    assertRefused("exit \"y\" depth 1 already has an exit", () -> plan(MLP, x, y, MLP));
    assertRefused("exit.id \"x\" is used twice", () -> plan(MLP, x, MLP, x, MLP));
    assertRefused(
        "exit.id \"x/y\" is not 1 to 64 letters, digits, '_' or '-'",
        () -> exit("x/y", EACH, Bypass.TERMINATE));
    Plan plan = plan(MLP, x, MLP, MLP, y, MLP);
    assertEquals(1, plan.depthOf("x"));
    assertEquals(3, plan.depthOf("y"));
    assertEquals(List.of(x, y), plan.exits());
    assertEquals(4, plan.blocks().size());
    assertRefused("exit \"z\" is not one of [x, y]", () -> plan.depthOf("z"));
  }

  @Test
  void exitsAnswerLikeTheEnd() {
    Head three = new Head(Head.Pool.EACH, null, 3, false);
    assertRefused(
        "exit \"x\" outputs 3 differ from the final 2",
        () -> withExit(exit("x", three, Bypass.TERMINATE), EACH, MLP));
    assertRefused(
        "exit \"x\" pool FIRST does not go with the final EACH",
        () -> withExit(exit("x", FIRST, Bypass.TERMINATE), EACH, MLP));
    assertRefused(
        "exit \"x\" pool EACH does not go with the final FIRST",
        () -> withExit(exit("x", EACH, Bypass.FREEZE_PROJECT), FIRST, MLP));
    Head mean = new Head(Head.Pool.MEAN, null, 2, false);
    withExit(exit("x", mean, Bypass.TERMINATE), FIRST, MIXING);
  }

  @Test
  void leaversOweKeysToBlocksThatMix() {
    assertRefused(
        "exit \"x\" bypass TERMINATE takes keys from later blocks that mix rows",
        () -> withExit(exit("x", EACH, Bypass.TERMINATE), EACH, MIXING));
    assertRefused(
        "exit \"x\" bypass FREEZE_PROJECT needs rows, but the whole item leaves",
        () -> withExit(exit("x", FIRST, Bypass.FREEZE_PROJECT), FIRST, MIXING));
    withExit(exit("x", EACH, Bypass.TERMINATE), EACH, MLP);
    withExit(exit("x", EACH, Bypass.FREEZE_PROJECT), EACH, MIXING);
  }

  @Test
  void listsAreCopied() {
    List<Part> parts = new ArrayList<>(List.of(new Part.Run(0)));
    List<Block> blocks = new ArrayList<>(List.of(MLP));
    Plan plan = new Plan(blocks, parts, Map.of(), null);
    parts.add(new Part.Run(0));
    blocks.add(MLP);
    assertEquals(plan(MLP), plan);
    assertThrows(UnsupportedOperationException.class, () -> plan.parts().clear());
    assertThrows(UnsupportedOperationException.class, () -> plan.blocks().clear());
    List<Sublayer> sublayers = new ArrayList<>(MLP.sublayers());
    Block block = new Block(sublayers);
    sublayers.clear();
    assertEquals(MLP, block);
  }

  @Test
  void comparisonsFireOnTheirSideAndNeverForNaN() {
    assertFires(Criterion.confidence(), false, true, true);
    assertFires(Criterion.margin(), false, true, true);
    assertFires(Criterion.entropy(), true, false, false);
    Criterion.Score score = Criterion.Score.MARGIN;
    assertFires(new Criterion(score, Criterion.Comparison.GT), false, false, true);
    assertFires(new Criterion(score, Criterion.Comparison.LE), true, true, false);
  }

  private static void assertFires(Criterion criterion, boolean below, boolean at, boolean above) {
    assertEquals(below, criterion.fires(0.4, 0.5));
    assertEquals(at, criterion.fires(0.5, 0.5));
    assertEquals(above, criterion.fires(0.6, 0.5));
    assertFalse(criterion.fires(Double.NaN, 0.5));
  }

  @Test
  void sublayersAreNamedAfterTheirOperation() {
    assertEquals("feedForward", MLP.sublayers().get(0).name());
    assertEquals("attention", MIXING.sublayers().get(0).name());
    assertTrue(MIXING.mixes());
    assertFalse(MLP.mixes());
  }

  private static Embedding.Ngrams ngrams(List<Integer> orders, int buckets, int inner, int begin) {
    return new Embedding.Ngrams(orders, buckets, inner, begin);
  }

  private static void withNgrams(Input input, Embedding.Ngrams ngrams) {
    model("m", 4, input, Embedding.plain().withNgrams(ngrams), EACH, MLP);
  }

  private static Exit exit(String id, Head head, Bypass bypass) {
    return new Exit(id, head, Criterion.confidence(), bypass);
  }

  private static void withExit(Exit exit, Head head, Block later) {
    model("m", 4, TOKENS, Embedding.plain(), head, MLP, exit, later);
  }

  private static void model(
      String name, int width, Input input, Embedding embedding, Head head, Object... parts) {
    new ModelSpec(name, width, input, embedding, plan(parts), head);
  }
}
