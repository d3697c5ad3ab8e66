package anabranch.model;

import static anabranch.Refusals.assertRefused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.model.layer.Activation;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Attention.QueryKeyNorm.Over;
import anabranch.model.layer.Block;
import anabranch.model.layer.Bypass;
import anabranch.model.layer.Chain;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Latent;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Operation;
import anabranch.model.layer.Recurrence;
import anabranch.model.layer.RoutedHeads;
import anabranch.model.layer.Skip;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Head;
import anabranch.model.plan.Plan;
import anabranch.model.position.Distances;
import anabranch.model.position.Rotary;
import anabranch.model.route.Capacity;
import anabranch.model.route.Logits;
import anabranch.model.route.Placement;
import anabranch.model.route.Router;
import anabranch.model.route.Routers;
import anabranch.model.route.Source;
import java.util.List;
import org.junit.jupiter.api.Test;

class OperationBoundsTest {
  @Test
  void modulationsAreAroundOperationsThatEveryRowRuns() {
    FeedForward network = FeedForward.plain(3, Activation.RELU);
    Router router = Routers.switchDit(4, 2, true);
    Mixture.Modulated plain = new Mixture.Modulated(3, router, network);
    assertEquals(3, plain.members());
    assertFalse(plain.mixes());
    assertTrue(new Mixture.Modulated(3, router, Attention.causal(1, 2)).mixes());
    assertEquals(Routers.olmoe(1), plain.with(Routers.olmoe(1)).router());
    assertRefused(
        "modulated.experts 0 is not in 1..65536", () -> new Mixture.Modulated(0, router, network));
    assertRefused("router.k 2 is not in 1..1", () -> new Mixture.Modulated(1, router, network));
    assertRefused(
        "modulated.router.source PROMPT_MEAN is for skips: a modulation keeps no decision",
        () -> plain.with(Routers.mindSkip(.5)));
    assertRefused(
        "modulated.router.placement INPUT is not OUTPUT", () -> plain.with(Routers.llama4(1)));
    Skip skip = new Skip(Routers.mixtureOfDepthsCausal(), network, Bypass.MASK);
    assertRefused(
        "modulated.operation contains a skip", () -> new Mixture.Modulated(3, router, skip));
    Chain chain = Chain.of(Sublayer.preNorm(new Norm.Rms(1e-6), plain));
    assertRefused(
        "modulated.operation contains a modulation", () -> new Mixture.Modulated(3, router, chain));
  }

  /** A30: a row that stands for others has no token, no place in a trace, and no order in time. */
  @Test
  void mergedChainsAttendToWholeEventsWithoutRouters() {
    Sublayer attends = bare("first", Attention.full(2, 2));
    Sublayer network = bare("second", FeedForward.plain(3, Activation.RELU));
    Chain chain = Chain.of(attends, network);
    Chain.Merged merged = new Chain.Merged(4, 0, List.of(3, 0), chain);
    assertTrue(merged.mixes());
    assertEquals(1, merged.members());
    assertNull(merged.router());
    assertEquals(List.of(chain), merged.parts());
    assertEquals(attends.operation(), merged.attention());
    List<Integer> none = List.of();
    assertRefused("merged.size 0 is not in 1..65536", () -> merge(0, 1, List.of(0), chain));
    assertRefused("merged.fine -1 is not in 0..65536", () -> merge(1, -1, List.of(0), chain));
    assertRefused("merged.kept -2 is below 0", () -> merge(1, 1, List.of(0, -2), chain));
    assertRefused(
        "merged.kept is empty: no row says which blocks matter", () -> merge(1, 1, none, chain));
    refusedMerged("begins with \"second\", which is no attention", Chain.of(network, attends));
    Operation causal = Attention.causal(2, 2);
    refusedMerged("\"later\" has mask CAUSAL, not FULL", Chain.of(attends, bare("later", causal)));
    refusedMerged(
        "\"first\" has mask MEMORY, not FULL", Chain.of(bare("first", Attention.memory(2, 2))));
    Attention routed =
        Attention.full(2, 2).withRouted(new RoutedHeads(2, Routers.granite(1), false));
    refusedMerged("\"first\" has a router", Chain.of(bare("first", routed)));
    Attention.RoutedProjections each = new Attention.RoutedProjections(2, Routers.switchHead(1));
    refusedMerged(
        "\"first\" has a router",
        Chain.of(bare("first", Attention.full(2, 2).withProjections(each))));
    Mixture mixture = new Mixture(2, FeedForward.plain(3, Activation.RELU), Routers.olmoe(1));
    for (Operation other : List.of(mixture, new Recurrence(3, 2, 2, 1), merged)) {
      refusedMerged(
          "\"other\" is no attention and no feed-forward network",
          Chain.of(attends, bare("other", other)));
    }
  }

  private static Operation merge(int size, int fine, List<Integer> kept, Chain chain) {
    return new Chain.Merged(size, fine, kept, chain);
  }

  private static void refusedMerged(String what, Chain chain) {
    assertRefused("merged.chain " + what + " (rule A30)", () -> merge(1, 1, List.of(0), chain));
  }

  private static Sublayer bare(String name, Operation operation) {
    return new Sublayer(name, null, operation, null, null);
  }

  @Test
  void attentionHasHeadsThatShareKeysEvenly() {
    assertRefused("attention.heads 0 is below 1", () -> Attention.causal(0, 4));
    assertRefused("attention.headWidth 0 is below 1", () -> Attention.full(1, 0));
    Attention four = Attention.causal(4, 3);
    assertRefused("attention.keyValueHeads 0 is not in 1..4", () -> four.withKeyValueHeads(0));
    assertRefused("attention.keyValueHeads 5 is not in 1..4", () -> four.withKeyValueHeads(5));
    assertRefused(
        "attention.keyValueHeads 3 does not divide heads 4", () -> four.withKeyValueHeads(3));
    assertEquals(12, four.withKeyValueHeads(2).queryWidth());
    assertEquals(6, four.withKeyValueHeads(2).keyValueWidth());
  }

  @Test
  void headsTogetherDoNotOverflow() {
    assertRefused(
        "attention.heads 65537 times headWidth 65537 is above 1048576",
        () -> Attention.causal(65_537, 65_537));
    assertRefused(
        "attention.heads 1 times headWidth 1048577 is above 1048576",
        () -> Attention.causal(1, 1_048_577));
    assertEquals(1 << 20, Attention.causal(1 << 10, 1 << 10).queryWidth());
  }

  @Test
  void rotaryPositionsNeedHalvesAndABaseAboveOne() {
    assertRefused(
        "attention.headWidth 3 is odd, so rotary positions have no halves",
        () -> Attention.causal(1, 3).withRotary(10_000));
    assertRefused(
        "attention.rotary.base 1.0 is not above 1", () -> Attention.causal(1, 4).withRotary(1));
    assertRefused(
        "attention.rotary.base NaN is not a finite number above 0", () -> new Rotary(Double.NaN));
    assertRefused(
        "attention.rotary.base Infinity is not a finite number above 0",
        () -> new Rotary(Double.POSITIVE_INFINITY));
  }

  @Test
  void windowsClipsAndScalesAreAboveZero() {
    Attention causal = Attention.causal(1, 2);
    assertRefused("attention.window.rows 0 is below 1", () -> causal.withWindow(0));
    assertRefused(
        "attention.window needs mask CAUSAL, not FULL", () -> Attention.full(1, 2).withWindow(3));
    assertRefused("attention.window.first -1 is below 0", () -> new Attention.Window(1, -1));
    assertEquals(Attention.full(1, 2), causal.withWindow(3).withMask(Attention.Mask.FULL));
    assertRefused(
        "attention.clip -1.0 is not a finite number above 0", () -> causal.withClip(-1.0));
    assertRefused(
        "attention.scores.scale 0.0 is not a finite number above 0",
        () -> Attention.Scores.scaled(0));
    assertEquals(0.5, Attention.causal(1, 4).scale());
    assertEquals(3, causal.withScores(Attention.Scores.scaled(3)).scale());
  }

  @Test
  void rotaryPartsAreEvenAndNoLongerThanAHead() {
    assertRefused("attention.rotary.part 0 is below 2", () -> rotary(0));
    assertRefused("attention.rotary.part 3 is odd, so it has no pairs", () -> rotary(3));
    assertRefused(
        "attention.rotary.part 6 is above headWidth 5",
        () -> Attention.causal(1, 5).withRotary(rotary(6)));
    assertEquals(
        rotary(4), Attention.causal(1, 5).withRotary(rotary(4)).rotary(), "an odd head may turn");
  }

  private static Rotary rotary(int part) {
    return new Rotary(10, false, part, null);
  }

  @Test
  void rotaryScalingIsAboveZero() {
    assertRefused(
        "attention.rotary.scaling.factor 0.0 is not a finite number above 0",
        () -> new Rotary.Linear(0));
    assertRefused(
        "attention.rotary.scaling.originalLength 0 is below 1", () -> Rotary.Yarn.of(2, 0));
    assertRefused(
        "attention.rotary.scaling.factor -1.0 is not a finite number above 0",
        () -> Rotary.Yarn.of(-1, 4));
    assertRefused(
        "attention.rotary.scaling.betaFast 0.0 is not a finite number above 0",
        () -> new Rotary.Yarn(2, 4, 0, 1, 1, true));
    assertRefused(
        "attention.rotary.scaling.betaSlow 0.0 is not a finite number above 0",
        () -> new Rotary.Yarn(2, 4, 1, 0, 1, true));
    assertRefused(
        "attention.rotary.scaling.attentionFactor 0.0 is not a finite number above 0",
        () -> new Rotary.Yarn(2, 4, 1, 1, 0, true));
    assertEquals(0.1 * Math.log(32) + 1, Rotary.Yarn.of(32, 8).attentionFactor());
    assertEquals(1, Rotary.Yarn.of(0.5, 8).attentionFactor());
  }

  @Test
  void distancesNeedBucketsAndCommonPositions() {
    assertRefused(
        "attention.scores.distances.buckets 1 is not in 2..1048576",
        () -> new Distances(1, 9, false));
    assertRefused(
        "attention.scores.distances.buckets 3 is not in 4..1048576",
        () -> new Distances(3, 9, true));
    assertRefused(
        "attention.scores.distances.furthest 8 is not above 8", () -> new Distances(32, 8, true));
    assertRefused(
        "attention.scores.distances do not go with mask MEMORY, whose rows have no common positions",
        () ->
            Attention.memory(1, 2)
                .withScores(Attention.Scores.usual().withDistances(new Distances(8, 9, true))));
  }

  /** The distances of T5, 32 buckets up to 128: 8 exact ones each way, or 16 for one way. */
  @Test
  void bucketsOfDistancesGrow() {
    Distances both = new Distances(32, 128, true);
    int[] distances = {0, 7, 8, 11, 12, 16, 22, 23, 32, 64, 91, 128, 5000};
    int[] buckets = {0, 7, 8, 8, 9, 10, 10, 11, 12, 14, 15, 15, 15};
    for (int i = 0; i < distances.length; i++) {
      assertEquals(buckets[i], both.bucket(-distances[i]), "distance " + distances[i]);
      assertEquals(i == 0 ? 0 : 16 + buckets[i], both.bucket(distances[i]));
    }
    Distances back = new Distances(32, 128, false);
    assertEquals(0, back.bucket(5));
    assertEquals(15, back.bucket(-15));
    assertEquals(16, back.bucket(-16));
    assertEquals(21, back.bucket(-32));
    assertEquals(26, back.bucket(-64));
    assertEquals(31, back.bucket(-128));
  }

  @Test
  void feedForwardHasAnInnerLength() {
    assertRefused("feedForward.inner 0 is below 1", () -> FeedForward.plain(0, Activation.RELU));
  }

  @Test
  void factorsAndLimitsAreAboveZero() {
    FeedForward plain = FeedForward.plain(3, Activation.RELU);
    assertRefused(
        "feedForward.limit 7.0 needs a gated network",
        () -> new FeedForward(3, Activation.RELU, false, false, 7.0));
    assertRefused(
        "feedForward.limit -7.0 is not a finite number above 0",
        () -> FeedForward.gated(3, Activation.RELU).withLimit(-7));
    assertRefused(
        "sublayer.multiplier 0.0 is not a finite number above 0",
        () -> Sublayer.preNorm(new Norm.Rms(1e-6), plain).withMultiplier(0));
    assertRefused(
        "embedding.multiplier 0.0 is not a finite number above 0",
        () -> Embedding.plain().withMultiplier(0));
    assertRefused(
        "head.multiplier -1.0 is not a finite number above 0",
        () -> new Head(Head.Pool.EACH, null, 2, false).withMultiplier(-1));
    assertRefused(
        "embedding.sinusoids.offset -1 is not in 0..1048576", () -> new Embedding.Sinusoids(-1));
    assertRefused(
        "model.width with embedding.sinusoids 3 is below 4",
        () ->
            new ModelSpec(
                "narrow",
                3,
                new Input.Tokens(2, 4),
                Embedding.plain().withSinusoids(new Embedding.Sinusoids(2)),
                Plan.of(Block.of(Sublayer.preNorm(new Norm.Rms(1e-6), plain))),
                new Head(Head.Pool.EACH, null, 2, false)));
  }

  @Test
  void specialMembersAreCountedByTheRouter() {
    FeedForward expert = FeedForward.plain(3, Activation.RELU);
    assertRefused("mixture.specials 0 is below 1", () -> new Mixture.Specials(0, 0, 0));
    assertRefused(
        "mixture.specials.zeros -1 is not in 0..65536", () -> new Mixture.Specials(-1, 2, 0));
    Mixture two = new Mixture(2, expert, Routers.longcat(2, 1));
    Mixture.Specials one = Mixture.Specials.identities(1);
    assertRefused(
        "router.k 4 is not in 1..3",
        () -> new Mixture(2, expert, Routers.longcat(4, 1), false, null, one));
    assertEquals(3, two.withSpecials(one).members());
    assertEquals(
        new Mixture.Specials(0, 1, 0), two.withSpecials(one).with(expert, two.router()).specials());
  }

  @Test
  void mixtureHasExpertsEnoughForItsRouter() {
    FeedForward expert = FeedForward.plain(2, Activation.RELU);
    assertRefused(
        "mixture.experts 0 is not in 1..65536", () -> new Mixture(0, expert, Routers.switchTop1()));
    assertRefused(
        "mixture.experts 65537 is not in 1..65536",
        () -> new Mixture(65_537, expert, Routers.switchTop1()));
    assertRefused("router.k 3 is not in 1..2", () -> new Mixture(2, expert, Routers.mixtral(3)));
  }

  @Test
  void onlyAttentionToOwnRowsMixesThem() {
    FeedForward expert = FeedForward.plain(2, Activation.RELU);
    assertTrue(Attention.causal(1, 2).mixes());
    assertTrue(Attention.full(1, 2).mixes());
    assertFalse(Attention.memory(1, 2).mixes());
    assertTrue(new Recurrence(1, 1, 1, 1).mixes());
    assertFalse(expert.mixes());
    assertFalse(new Mixture(2, expert, Routers.switchTop1()).mixes());
  }

  @Test
  void normsHaveAPositiveEpsilon() {
    String bound = " is not a finite number above 0";
    for (double epsilon : new double[] {0, -1, Double.NaN, Double.POSITIVE_INFINITY}) {
      assertRefused("norm.epsilon " + epsilon + bound, () -> new Norm.Layer(epsilon));
      assertRefused("norm.epsilon " + epsilon + bound, () -> new Norm.Rms(epsilon));
    }
  }

  @Test
  void memoryHasNoPositionsToRotate() {
    assertRefused(
        "attention.rotary does not go with mask MEMORY, whose rows have no common positions (rule A3)",
        () -> Attention.memory(1, 4).withRotary(10_000));
  }

  @Test
  void recurrencesAreBounded() {
    assertRefused("recurrence.inner 0 is not in 1..1048576", () -> new Recurrence(0, 1, 1, 1));
    assertRefused(
        "recurrence.inner 1048577 is not in 1..1048576", () -> new Recurrence(1_048_577, 1, 1, 1));
    assertRefused("recurrence.states 0 is not in 1..4096", () -> new Recurrence(1, 0, 1, 1));
    assertRefused("recurrence.states 4097 is not in 1..4096", () -> new Recurrence(1, 4097, 1, 1));
    assertRefused("recurrence.convolution 0 is not in 1..64", () -> new Recurrence(1, 1, 0, 1));
    assertRefused("recurrence.convolution 65 is not in 1..64", () -> new Recurrence(1, 1, 65, 1));
    assertRefused("recurrence.rank 0 is not in 1..1048576", () -> new Recurrence(1, 1, 1, 0));
    assertEquals(3 * (3 + 2), new Recurrence(3, 2, 4, 1).kept());
  }

  @Test
  void linearMemoriesAreBounded() {
    assertRefused(
        "linearMemory.inputs 0 is not in 1..1048576",
        () -> new Recurrence.LinearMemory(0, 1, false));
    assertRefused(
        "linearMemory.inputs 1048577 is not in 1..1048576",
        () -> new Recurrence.LinearMemory(1_048_577, 1, false));
    assertRefused(
        "linearMemory.states 0 is not in 1..4096", () -> new Recurrence.LinearMemory(1, 0, false));
    assertRefused(
        "linearMemory.states 4097 is not in 1..4096",
        () -> new Recurrence.LinearMemory(1, 4097, false));
    Recurrence.LinearMemory memory = new Recurrence.LinearMemory(2, 3, true);
    assertTrue(memory.mixes());
    assertEquals(3, memory.remembers());
    assertEquals(0, Attention.causal(1, 1).remembers());
  }

  @Test
  void chainsHaveSublayersThatAreNoChains() {
    assertRefused("chain.sublayers.size 0 is below 1", () -> Chain.of());
    Sublayer one = Sublayer.preNorm(new Norm.Rms(1e-6), FeedForward.plain(2, Activation.RELU));
    assertRefused("sublayer.name \"feedForward\" is used twice", () -> Chain.of(one, one));
    Sublayer chain = Sublayer.preNorm(new Norm.Rms(1e-6), Chain.of(one));
    assertRefused("chain.sublayers \"chain\" is a chain itself", () -> Chain.of(chain));
    assertEquals(List.of(one.operation()), Chain.of(one).parts());
    assertFalse(Chain.of(one).mixes());
  }

  @Test
  void skipsHaveARouterThatMayLetARowPass() {
    FeedForward network = FeedForward.plain(2, Activation.RELU);
    assertRefused(
        "skip.router.selection TopK[k=1, secondary=null] lets every row run",
        () -> new Skip(Routers.switchTop1(), network, Bypass.MASK));
    assertRefused(
        "skip.router.selection Prefix[least=0] lets every row run",
        () -> new Skip(Routers.adaptiveComputation(false), network, Bypass.MASK));
    assertRefused(
        "router.k 2 is not in 1..1", () -> new Skip(Routers.mixtral(2), network, Bypass.MASK));
    Router input = Routers.mixtureOfDepths(new Capacity.Size.Fixed(1));
    Router placed =
        new Router(
            input.source(),
            input.logits(),
            input.score(),
            input.preference(),
            input.selection(),
            input.gate(),
            input.capacity(),
            Placement.INPUT);
    assertRefused(
        "skip.router.placement INPUT is not OUTPUT", () -> new Skip(placed, network, Bypass.MASK));
  }

  @Test
  void skipsSayWhatTheOthersShow() {
    FeedForward network = FeedForward.plain(2, Activation.RELU);
    Router router = Routers.mindSkip(.5);
    for (Bypass keys : List.of(Bypass.TERMINATE, Bypass.DEFER_RECOMPUTE)) {
      assertRefused(
          "skip.keys " + keys + " is for exits alone", () -> new Skip(router, network, keys));
    }
    assertFalse(Bypass.MASK.freezes());
    assertTrue(Bypass.FREEZE_PROJECT.freezes());
    assertTrue(Bypass.FREEZE_SHARE_KV.freezes());
    assertTrue(new Skip(router, Attention.causal(1, 2), Bypass.MASK).mixes());
    assertFalse(new Skip(router, network, Bypass.MASK).mixes());
  }

  @Test
  void skipsDoNotNest() {
    Router router = Routers.mindSkip(.5);
    Skip inner = new Skip(router, FeedForward.plain(2, Activation.RELU), Bypass.MASK);
    assertRefused("skip.operation contains a skip", () -> new Skip(router, inner, Bypass.MASK));
    Chain chain = Chain.of(Sublayer.preNorm(new Norm.Rms(1e-6), inner));
    assertRefused("skip.operation contains a skip", () -> new Skip(router, chain, Bypass.MASK));
  }

  @Test
  void onlySkipsKeepADecision() {
    FeedForward expert = FeedForward.plain(2, Activation.RELU);
    assertRefused(
        "mixture.router.source PROMPT_MEAN is for skips: a mixture keeps no decision",
        () -> new Mixture(2, expert, Routers.mindSkip(.5)));
  }

  @Test
  void blocksListOperationsFromTheOutside() {
    Attention attention = Attention.causal(1, 2);
    FeedForward network = FeedForward.plain(2, Activation.RELU);
    Norm norm = new Norm.Rms(1e-6);
    Chain chain = Chain.of(Sublayer.preNorm(norm, attention), Sublayer.preNorm(norm, network));
    Skip skip = new Skip(Routers.mindSkip(.5), chain, Bypass.MASK);
    Block block = Block.of(Sublayer.preNorm(norm, skip));
    List<Operation> expected = List.of(skip, chain, attention, network);
    assertEquals(expected, block.operations());
    assertEquals("b.s", skip.operationPath("b.s"));
    Skip single = new Skip(Routers.mindSkip(.5), attention, Bypass.MASK);
    assertEquals("b.s.attention", single.operationPath("b.s"));
  }

  @Test
  void latentKeysHaveBounds() {
    Attention three = Attention.causal(2, 3);
    Latent usual = new Latent(null, 4, 2, 3, null);
    assertEquals(6, three.withLatent(usual).kept());
    assertEquals(6, three.withLatent(usual).resultWidth());
    assertRefused("attention.latent.rank 0 is not in 1..1048576", () -> latent(0, 0, 1));
    assertRefused("attention.latent.turned -1 is not in 0..1048576", () -> latent(1, -1, 1));
    assertRefused("attention.latent.valueWidth 0 is not in 1..1048576", () -> latent(1, 0, 0));
    assertRefused(
        "attention.latent.queryRank 0 is not in 1..1048576", () -> new Latent(0, 1, 0, 1, null));
    assertRefused(
        "attention.latent.turned 3 is not in 0..2", () -> three.withLatent(latent(1, 3, 1)));
    assertRefused(
        "attention.latent.turned 1 has no pairs for rotary positions",
        () -> Attention.causal(2, 4).withRotary(9).withLatent(latent(1, 1, 1)));
    assertRefused(
        "attention.rotary.part 2 is said by latent.turned 2",
        () -> three.withLatent(usual).withRotary(new Rotary(9, false, 2, null)));
    assertRefused(
        "attention.latent does not go with keyValueHeads 1, heads 2",
        () -> three.withKeyValueHeads(1).withLatent(usual));
    assertRefused(
        "attention.latent does not go with mask MEMORY",
        () -> Attention.memory(2, 3).withLatent(usual));
    assertRefused(
        "attention.latent does not go with bias ALL", () -> three.withBias().withLatent(usual));
    assertRefused(
        "attention.latent does not go with norm: it has its own",
        () -> three.withNorm(new Norm.Rms(1), Over.HEAD).withLatent(usual));
    assertRefused(
        "attention.latent does not go with clip 1.0", () -> three.withClip(1.0).withLatent(usual));
    assertRefused(
        "attention.heads 2 times latent.valueWidth 1000000 is above 1048576",
        () -> three.withLatent(latent(1, 0, 1_000_000)));
  }

  @Test
  void routedHeadsPickTheSameNumberForEveryRow() {
    Attention two = Attention.causal(2, 4);
    RoutedHeads usual = new RoutedHeads(3, Routers.granite(2), false);
    assertEquals(2, usual.k());
    assertEquals(usual.router(), two.withRouted(usual).router());
    assertNull(two.router());
    assertRefused(
        "attention.routed.experts 0 is not in 1..65536", () -> heads(0, Routers.granite(1)));
    assertRefused("router.k 4 is not in 1..3", () -> heads(3, Routers.granite(4)));
    Router depths = Routers.mixtureOfDepthsCausal();
    assertRefused(
        "attention.routed.router.selection "
            + depths.selection()
            + " does not pick the same number for every row",
        () -> heads(3, depths));
    Capacity one =
        new Capacity.Limited(
            new Capacity.Size.Fixed(1), Capacity.Population.STEP, Capacity.Priority.POSITION);
    assertRefused(
        "attention.routed.router.capacity " + one + " is not unlimited",
        () -> heads(3, Routers.switchTop1(one)));
    assertRefused(
        "attention.routed.router.source PROMPT_MEAN is for skips",
        () -> heads(3, Routers.granite(1).with(Source.PROMPT_MEAN, new Logits.Linear(false))));
    assertRefused(
        "attention.routed.router.placement INPUT is not OUTPUT", () -> heads(3, Routers.llama4(1)));
    assertRefused(
        "attention.routed does not go with mask MEMORY",
        () -> Attention.memory(2, 4).withRouted(usual));
    assertRefused(
        "attention.routed does not go with scores.sinks",
        () -> two.withScores(Attention.Scores.usual().withSinks()).withRouted(usual));
    assertRefused(
        "attention.routed does not go with scores.distances",
        () ->
            two.withScores(Attention.Scores.usual().withDistances(new Distances(2, 9, false)))
                .withRouted(usual));
    assertRefused(
        "attention.routed does not go with norm",
        () -> two.withNorm(new Norm.Rms(1), Over.HEAD).withRouted(usual));
    assertRefused(
        "attention.routed does not go with latent",
        () -> two.withRouted(usual).withLatent(latent(1, 0, 1)));
    assertRefused(
        "attention.routed.router.k 2 times heads 2 times headWidth 300000 is above 1048576",
        () -> Attention.causal(2, 300_000).withRouted(usual));
  }

  @Test
  void routedProjectionsReadTheRowAloneAndGoWithPlainOnes() {
    Attention two = Attention.causal(2, 4);
    Attention.RoutedProjections usual = projections(3, Routers.switchHead(2));
    assertEquals(2, usual.k());
    assertNull(two.withProjections(usual).router());
    assertEquals(two, two.withProjections(usual).withProjections(null));
    assertRefused(
        "attention.projections.experts 0 is not in 1..65536",
        () -> projections(0, Routers.switchHead(1)));
    assertRefused("router.k 4 is not in 1..3", () -> projections(3, Routers.switchHead(4)));
    Router depths = Routers.mixtureOfDepthsCausal();
    assertRefused(
        "attention.projections.router.selection "
            + depths.selection()
            + " does not pick the same number for every row",
        () -> projections(3, depths));
    assertRefused(
        "attention.projections.router.placement INPUT is not OUTPUT",
        () -> projections(3, Routers.llama4(1)));
    assertRefused(
        "attention.projections.router.source TOKEN_ID is not HIDDEN",
        () -> projections(3, Routers.hash(1)));
    Logits recalled = new Logits.Recalled("sum");
    assertRefused(
        "attention.projections.router.logits " + recalled + " are carried from other routers",
        () -> projections(3, Routers.switchHead(1).with(Source.HIDDEN, recalled)));
    assertRefused(
        "attention.projections does not go with mask MEMORY",
        () -> Attention.memory(2, 4).withProjections(usual));
    assertRefused(
        "attention.projections does not go with bias QUERY_KEY_VALUE",
        () -> two.withBias(Attention.Bias.QUERY_KEY_VALUE).withProjections(usual));
    assertRefused(
        "attention.projections does not go with clip 1.0",
        () -> two.withClip(1.0).withProjections(usual));
    assertRefused(
        "attention.projections does not go with latent",
        () -> two.withProjections(usual).withLatent(latent(1, 0, 1)));
    assertRefused(
        "attention.projections does not go with routed",
        () -> two.withProjections(usual).withRouted(heads(3, Routers.granite(2))));
    assertRefused(
        "attention.heads 2 times projections.experts 32769 is above 65536",
        () -> two.withProjections(projections(32_769, Routers.switchHead(1))));
  }

  private static Attention.RoutedProjections projections(int experts, Router router) {
    return new Attention.RoutedProjections(experts, router);
  }

  private static Latent latent(int rank, int turned, int valueWidth) {
    return new Latent(null, rank, turned, valueWidth, null);
  }

  private static RoutedHeads heads(int experts, Router router) {
    return new RoutedHeads(experts, router, false);
  }
}
