package anabranch.model;

import static anabranch.Refusals.assertRefused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.model.route.Routers;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

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
    Exit exit = exit("x", EACH, Exit.Bypass.TERMINATE);
    assertRefused("plan.blocks.size 0 is below 1", () -> new Plan(List.of()));
    assertRefused("exit \"x\" depth 0 is not in 1..1", () -> new Plan(List.of(exit, MLP, MLP)));
    assertRefused("exit \"x\" depth 2 is not in 1..1", () -> new Plan(List.of(MLP, MLP, exit)));
    assertRefused("exit \"x\" depth 1 is not in 1..0", () -> new Plan(List.of(MLP, exit)));
  }

  @Test
  void exitsHaveDistinctIdsAndDepths() {
    Exit x = exit("x", EACH, Exit.Bypass.TERMINATE);
    Exit y = exit("y", EACH, Exit.Bypass.TERMINATE);
    assertRefused(
        "exit \"y\" depth 1 already has an exit", () -> new Plan(List.of(MLP, x, y, MLP)));
    assertRefused("exit.id \"x\" is used twice", () -> new Plan(List.of(MLP, x, MLP, x, MLP)));
    assertRefused(
        "exit.id \"x/y\" is not 1 to 64 letters, digits, '_' or '-'",
        () -> exit("x/y", EACH, Exit.Bypass.TERMINATE));
    Plan plan = new Plan(List.of(MLP, x, MLP, MLP, y, MLP));
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
        () -> withExit(exit("x", three, Exit.Bypass.TERMINATE), EACH, MLP));
    assertRefused(
        "exit \"x\" pool FIRST does not go with the final EACH",
        () -> withExit(exit("x", FIRST, Exit.Bypass.TERMINATE), EACH, MLP));
    assertRefused(
        "exit \"x\" pool EACH does not go with the final FIRST",
        () -> withExit(exit("x", EACH, Exit.Bypass.FREEZE_PROJECT), FIRST, MLP));
    Head mean = new Head(Head.Pool.MEAN, null, 2, false);
    withExit(exit("x", mean, Exit.Bypass.TERMINATE), FIRST, MIXING);
  }

  @Test
  void leaversOweKeysToBlocksThatMix() {
    assertRefused(
        "exit \"x\" bypass TERMINATE takes keys from later blocks that mix rows",
        () -> withExit(exit("x", EACH, Exit.Bypass.TERMINATE), EACH, MIXING));
    assertRefused(
        "exit \"x\" bypass FREEZE_PROJECT needs rows, but the whole item leaves",
        () -> withExit(exit("x", FIRST, Exit.Bypass.FREEZE_PROJECT), FIRST, MIXING));
    withExit(exit("x", EACH, Exit.Bypass.TERMINATE), EACH, MLP);
    withExit(exit("x", EACH, Exit.Bypass.FREEZE_PROJECT), EACH, MIXING);
  }

  @Test
  void listsAreCopied() {
    List<Plan.Part> parts = new ArrayList<>(List.of(MLP));
    Plan plan = new Plan(parts);
    parts.add(MLP);
    assertEquals(1, plan.blocks().size());
    assertThrows(UnsupportedOperationException.class, () -> plan.parts().add(MLP));
    List<Sublayer> sublayers = new ArrayList<>(MLP.sublayers());
    Block block = new Block(sublayers);
    sublayers.clear();
    assertEquals(MLP, block);
  }

  @Test
  void comparisonsFireOnTheirSideAndNeverForNaN() {
    assertFires(Exit.Criterion.confidence(), false, true, true);
    assertFires(Exit.Criterion.margin(), false, true, true);
    assertFires(Exit.Criterion.entropy(), true, false, false);
    Exit.Criterion.Score score = Exit.Criterion.Score.MARGIN;
    assertFires(new Exit.Criterion(score, Exit.Criterion.Comparison.GT), false, false, true);
    assertFires(new Exit.Criterion(score, Exit.Criterion.Comparison.LE), true, true, false);
  }

  private static void assertFires(
      Exit.Criterion criterion, boolean below, boolean at, boolean above) {
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

  private static Exit exit(String id, Head head, Exit.Bypass bypass) {
    return new Exit(id, head, Exit.Criterion.confidence(), bypass);
  }

  private static void withExit(Exit exit, Head head, Block later) {
    model("m", 4, TOKENS, Embedding.plain(), head, MLP, exit, later);
  }

  private static void model(
      String name, int width, Input input, Embedding embedding, Head head, Plan.Part... parts) {
    new ModelSpec(name, width, input, embedding, new Plan(List.of(parts)), head);
  }
}
