package anabranch.model.facts;

import static anabranch.model.facts.FactSpecs.CAUSAL;
import static anabranch.model.facts.FactSpecs.EXPERTS;
import static anabranch.model.facts.FactSpecs.FULL;
import static anabranch.model.facts.FactSpecs.MLP;
import static anabranch.model.facts.FactSpecs.NGRAMS;
import static anabranch.model.facts.FactSpecs.PLAIN;
import static anabranch.model.facts.FactSpecs.block;
import static anabranch.model.facts.FactSpecs.exit;
import static anabranch.model.facts.FactSpecs.spec;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import anabranch.error.DescriptionException;
import anabranch.model.Embedding;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.SamplePlans;
import anabranch.model.SampleSpecs;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Attention;
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
import anabranch.model.plan.Exit;
import anabranch.model.plan.Head;
import anabranch.model.plan.Plan;
import anabranch.model.route.Capacity;
import anabranch.model.route.Logits;
import anabranch.model.route.Routers;
import anabranch.model.route.Source;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Width 4; two heads of length 3 that share one key/value head; inner 5; 3 outputs. */
class CostTest {
  private static final Head.Pool EACH = Head.Pool.EACH;

  // k and v 4 x 3, q and o 4 x 6, two operations for each multiply-add.
  private static final long KEYS_AND_VALUES = 2 * (2 * 4 * 3);
  private static final long QUERY_AND_OUT = 2 * (2 * 4 * 6);
  // For each key: the product with the query, and the weighted sum of values, 2 heads x 3.
  private static final long PER_KEY = 2 * 6 + 2 * 6;
  private static final long MLP_COST = 2 * (2 * 4 * 5);
  // A router to 2 experts, then three matrices of one expert.
  private static final long EXPERTS_COST = 2 * 4 * 2 + 3 * (2 * 4 * 5);
  private static final long NGRAM_PROJECTION = 2 * 3 * 4;
  private static final long HEAD = 2 * 4 * 3;

  @Test
  void causalAttentionReadsTheRowsUpToItsOwn() {
    Cost cost = Cost.of(spec(PLAIN, EACH, CAUSAL));
    assertEquals(KEYS_AND_VALUES + QUERY_AND_OUT + PER_KEY, cost.live(0, 0, 9, 0));
    assertEquals(KEYS_AND_VALUES + QUERY_AND_OUT + 3 * PER_KEY, cost.live(0, 2, 9, 0));
    assertEquals(KEYS_AND_VALUES, cost.frozen(0));
  }

  /** In a window of 2, rows 0 to 3 read 1, 2, 2 and 2 rows. */
  @Test
  void windowsBoundTheRowsThatAreRead() {
    Attention attention = (Attention) CAUSAL.sublayers().get(0).operation();
    Cost cost = Cost.of(spec(PLAIN, EACH, block(attention.withWindow(2))));
    assertEquals(KEYS_AND_VALUES + QUERY_AND_OUT + PER_KEY, cost.live(0, 0, 9, 0));
    assertEquals(KEYS_AND_VALUES + QUERY_AND_OUT + 2 * PER_KEY, cost.live(0, 7, 9, 0));
    assertEquals(4 * (KEYS_AND_VALUES + QUERY_AND_OUT + HEAD) + 7 * PER_KEY, cost.full(4));
    assertEquals(KEYS_AND_VALUES + QUERY_AND_OUT + HEAD + PER_KEY, cost.full(1));
    Attention.Window more = new Attention.Window(1, 2);
    Cost wider = Cost.of(spec(PLAIN, EACH, block(attention.withWindow(more))));
    assertEquals(KEYS_AND_VALUES + QUERY_AND_OUT + 2 * PER_KEY, wider.live(0, 1, 9, 0));
    assertEquals(KEYS_AND_VALUES + QUERY_AND_OUT + 3 * PER_KEY, wider.live(0, 7, 9, 0));
  }

  /**
   * Rank 2 and 1 turned from width 4, then 2 heads of content 2 and value 5 from rank 2; queries of
   * 2 heads of 3 through a rank of 7; results 2 x 5; for each key 2 heads of 3 and of 5.
   */
  @Test
  void latentAttentionPaysForShortVectorsAndWhatIsMadeOfThem() {
    Attention attention = Attention.causal(2, 3).withLatent(new Latent(7, 2, 1, 5, null));
    Cost cost = Cost.of(spec(PLAIN, EACH, block(attention)));
    long keys = 2 * 4 * 3 + 2 * 2 * (2 * 7);
    long queries = 2 * 4 * 7 + 2 * 7 * 6 + 2 * 10 * 4;
    assertEquals(keys + queries + 3 * (2 * 6 + 2 * 10), cost.live(0, 2, 9, 0));
    assertEquals(keys, cost.frozen(0));
  }

  /** A router to 3, and two experts that ask with the two heads of the plain attention each. */
  @Test
  void routedHeadsCostWhatIsPicked() {
    Attention plain = (Attention) CAUSAL.sublayers().get(0).operation();
    Attention attention = plain.withRouted(new RoutedHeads(3, Routers.granite(2), true));
    Cost cost = Cost.of(spec(PLAIN, EACH, block(attention)));
    long router = 2 * 4 * 3;
    assertEquals(
        KEYS_AND_VALUES + router + 2 * QUERY_AND_OUT + 3 * 2 * PER_KEY, cost.live(0, 2, 9, 0));
    assertEquals(KEYS_AND_VALUES, cost.frozen(0));
  }

  /** Of 3 experts, two make the value of each head and two what becomes of its result. */
  @Test
  void routedProjectionsCostWhatIsPickedAlsoOfFrozenRows() {
    Attention attention =
        Attention.causal(4, 3)
            .withKeyValueHeads(2)
            .withProjections(new Attention.RoutedProjections(3, Routers.switchHead(2)));
    Cost cost = Cost.of(spec(PLAIN, EACH, block(attention)));
    long router = 2 * 4 * 3;
    long keysAndValues = 2 * 4 * 6 + 2 * (router + 2 * (2 * 4 * 3));
    long queriesAndResults = 2 * 4 * 12 + 4 * (router + 2 * (2 * 4 * 3));
    long perKey = 4 * 12;
    assertEquals(keysAndValues + queriesAndResults + 3 * perKey, cost.live(0, 2, 9, 0));
    assertEquals(keysAndValues, cost.frozen(0));
  }

  @Test
  void fullAttentionReadsAllRows() {
    Cost cost = Cost.of(spec(PLAIN, EACH, FULL));
    long projections = 4 * (2 * 4 * 6);
    assertEquals(projections + 9 * PER_KEY, cost.live(0, 0, 9, 0));
    assertEquals(projections + 9 * PER_KEY, cost.live(0, 8, 9, 0));
    assertEquals(2 * (2 * 4 * 6), cost.frozen(0));
  }

  @Test
  void tokenwisePartsCostTheSameEverywhereAndNothingWhenFrozen() {
    Cost cost = Cost.of(spec(PLAIN, EACH, MLP, EXPERTS));
    assertEquals(MLP_COST + EXPERTS_COST, cost.live(0, 0, 1, 0));
    assertEquals(MLP_COST + EXPERTS_COST, cost.live(0, 7, 20, 0));
    assertEquals(0, cost.frozen(0));
    assertEquals(HEAD, cost.head(0));
  }

  @Test
  void onlyPickedExpertsAndLearnedRoutersCost() {
    FeedForward expert = FeedForward.plain(5, Activation.RELU);
    long router = 2 * 4 * 8;
    for (int k = 1; k <= 8; k++) {
      ModelSpec picked = spec(PLAIN, EACH, block(new Mixture(8, expert, Routers.mixtral(k))));
      assertEquals(router + k * MLP_COST, Cost.of(picked).live(0, 0, 1, 0));
    }
    ModelSpec hashed = spec(PLAIN, EACH, block(new Mixture(8, expert, Routers.hash(1))));
    assertEquals(MLP_COST, Cost.of(hashed).live(0, 0, 1, 0));
  }

  /** A router to 8 + 3, two of the eight at most, three matrices of the shared, its weight. */
  @Test
  void sharedNetworksAreAlwaysPaidAndSpecialMembersNever() {
    FeedForward expert = FeedForward.plain(5, Activation.RELU);
    Mixture special =
        new Mixture(8, expert, Routers.longcat(2, 6)).withSpecials(new Mixture.Specials(1, 1, 1));
    assertLive(2 * 4 * 11 + 2 * MLP_COST, special);
    FeedForward wide = FeedForward.gated(7, Activation.SILU);
    assertLive(2 * 4 * 11 + 2 * MLP_COST + 3 * (2 * 4 * 7) + 2 * 4, special.withShared(wide, true));
    assertLive(2 * 4 * 11 + 2 * MLP_COST + 3 * (2 * 4 * 7), special.withShared(wide, false));
    Mixture few =
        new Mixture(1, expert, Routers.longcat(3, 6), false, null, Mixture.Specials.identities(3));
    assertLive(2 * 4 * 4 + MLP_COST, few);
  }

  @Test
  void embeddingIsPaidInTheFirstStage() {
    Exit exit = exit("a", EACH, Bypass.TERMINATE);
    Cost cost = Cost.of(spec(NGRAMS, EACH, MLP, exit, MLP));
    assertEquals(NGRAM_PROJECTION + MLP_COST, cost.live(0, 0, 1, 0));
    assertEquals(MLP_COST, cost.live(1, 0, 1, 0));
    // Features 3 x 4, one network of inner 8.
    assertEquals(2 * 3 * 4 + 2 * (2 * 4 * 8), Cost.of(SampleSpecs.features()).live(0, 0, 1, 0));
  }

  @Test
  void fullDepthIsEveryStageForEveryRowAndTheFinalHead() {
    Exit exit = exit("a", EACH, Bypass.FREEZE_PROJECT);
    Cost cost = Cost.of(spec(NGRAMS, EACH, MLP, exit, CAUSAL, EXPERTS));
    long row = NGRAM_PROJECTION + MLP_COST + KEYS_AND_VALUES + QUERY_AND_OUT + EXPERTS_COST + HEAD;
    assertEquals(3 * row + (1 + 2 + 3) * PER_KEY, cost.full(3));
    assertEquals(2, cost.stages().size());
  }

  @Test
  void headOfAnItemIsPaidOnce() {
    Cost cost = Cost.of(spec(PLAIN, Head.Pool.MEAN, FULL));
    assertEquals(3 * (4 * (2 * 4 * 6) + 3 * PER_KEY) + HEAD, cost.full(3));
  }

  @Test
  void byteModelCostsWhatAHandCounts() {
    Cost cost = Cost.of(SampleSpecs.bytes());
    long block = 4 * (2 * 128 * 128) + 2 * 128 * 8 + 2 * (2 * 128 * 256);
    long ngrams = 2 * 64 * 128;
    // Two blocks, each with 4 x 128 operations for the one key.
    assertEquals(ngrams + 2 * block + 2 * 4 * 128, cost.live(0, 0, 128, 0));
    assertEquals(2 * block + 2 * 4 * 128 * 11, cost.live(2, 10, 128, 0));
    assertEquals(2 * 2 * (2 * 128 * 128), cost.frozen(1));
    assertEquals(2 * 128 * 256, cost.head(0));
    assertEquals(2 * 128 * 256, cost.head(2));
  }

  @Test
  void anItemCostsTheSumOfItsRows() {
    for (ModelSpec model : List.of(spec(PLAIN, EACH, CAUSAL, FULL, EXPERTS), SampleSpecs.bytes())) {
      Cost cost = Cost.of(model);
      for (int rows : new int[] {1, 2, 9}) {
        long sum = rows * cost.head(cost.stages().size() - 1);
        for (int stage = 0; stage < cost.stages().size(); stage++) {
          for (int position = 0; position < rows; position++) {
            sum += cost.live(stage, position, rows, 0);
          }
        }
        assertEquals(sum, cost.full(rows));
      }
    }
  }

  @Test
  void whatNoLongCanCountIsRefused() {
    FeedForward huge = FeedForward.plain(Integer.MAX_VALUE, Activation.RELU);
    Mixture mixture = new Mixture(1 << 16, huge, Routers.mixtral(1 << 16));
    ModelSpec model =
        new ModelSpec(
            "huge",
            1 << 20,
            new Input.Tokens(2, 2),
            Embedding.plain(),
            Plan.of(Block.of(Sublayer.preNorm(new Norm.Rms(1e-5), mixture))),
            new Head(EACH, null, 2, false));
    DescriptionException refused = assertThrows(DescriptionException.class, () -> Cost.of(model));
    assertEquals(
        "cost of model \"huge\" is above 9223372036854775807 operations", refused.getMessage());
  }

  @Test
  void theMemoryIsReadByEachRow() {
    Cost cost = Cost.of(SamplePlans.translator());
    // Of the steps behind the choice: q and o 4 x 4; for each memory row twice 2 heads x 2.
    long queries = 2 * (2 * 4 * 4);
    long perMemoryRow = 2 * (2 * 4);
    assertEquals(queries, cost.live(3, 0, 1, 0));
    assertEquals(queries + 6 * perMemoryRow, cost.live(3, 9, 20, 6));
    assertEquals(0, cost.frozen(3));
    // A choice of two depths.
    assertEquals(2 * 4 * 2, cost.head(2));
  }

  @Test
  void anEncoderIsPaidForItsOwnRows() {
    Cost cost = Cost.of(SamplePlans.translator());
    long full = 4 * (2 * 4 * 4);
    long perKey = 4 * 4;
    // One number of two fields is projected.
    assertEquals(2 * 4 + full + 6 * perKey, cost.live(0, 2, 6, 0));
    assertEquals(full + 6 * perKey, cost.live(1, 2, 6, 0));
    long encoder = 6 * (2 * 4 + 2 * (full + 6 * perKey));
    long causal = 2 * full + (1 + 2) * perKey;
    long memory = 2 * 2 * (2 * (2 * 4 * 4) + 6 * 16);
    assertEquals(encoder + causal + memory + 2 * HEAD, cost.full(2, 6));
  }

  @Test
  void recurrencesCostTheSameAtEveryPosition() {
    // 3 channels, 2 states, 4 rows of convolution, rank 1.
    long kept = 2 * 4 * 3 + 2 * 4 * 3 + 2 * 3 * (1 + 2 * 2) + 2 * 1 * 3 + 5 * 2 * 3;
    long rest = 2 * 2 * 3 + 2 * 3 * 4 + 2 * 4 * 3;
    Cost cost = Cost.of(spec(PLAIN, EACH, SamplePlans.RECURRENT));
    assertEquals(kept + rest, cost.live(0, 0, 1, 0));
    assertEquals(kept + rest, cost.live(0, 9, 20, 0));
    assertEquals(kept, cost.frozen(0));
  }

  @Test
  void linearMemoriesCostTheirMatrices() {
    // Width 4, 3 inputs, 5 states; the result is read of 9 numbers.
    long kept = 2 * 4 * 3 + 2 * 3 * 5 + 2 * 5 * 5;
    Block memory = block(new Recurrence.LinearMemory(3, 5, true));
    Cost cost = Cost.of(spec(PLAIN, EACH, memory));
    assertEquals(kept + 2 * 9 * 4, cost.live(0, 7, 9, 0));
    assertEquals(kept, cost.frozen(0));
    Head head = SamplePlans.head(EACH).withBody(memory);
    ModelSpec own = SamplePlans.model("own", new Input.Tokens(9, 9), Plan.of(MLP), head);
    assertEquals(kept + 2 * 9 * 4 + HEAD, Cost.of(own).head(0));
  }

  @Test
  void hiddenLayersOfRoutersCostTheirProducts() {
    FeedForward network = FeedForward.plain(1, Activation.RELU);
    assertLive(
        2 * 4 * 6 + 2 * 6 * 3 + 2 * 2 * 4,
        new Mixture(
            3,
            network,
            Routers.granite(1).with(Source.HIDDEN, new Logits.Network(6, Activation.RELU, false))));
  }

  @Test
  void routersOfConditionsCostTheirProductWithIt() {
    FeedForward network = FeedForward.plain(1, Activation.RELU);
    assertLive(2 * 7 * 3 + 2 * (2 * 2 * 4), new Mixture(3, network, Routers.switchDit(7, 2, true)));
  }

  @Test
  void loopsCostTheirLastTime() {
    Cost cost = Cost.of(SamplePlans.looped());
    long full = 4 * (2 * 4 * 4) + 9 * (4 * 4);
    long network = 2 * (2 * 4 * 5);
    assertEquals(3, cost.stages().size());
    assertEquals(2 * 3 * 4 + network, cost.live(0, 0, 9, 0));
    assertEquals(full + network, cost.live(1, 0, 9, 0));
    assertEquals(3 * (network + full) + network, cost.live(2, 0, 9, 0));
    long row = 2 * 3 * 4 + network + 4 * (full + network) + 3 * (network + full) + network;
    assertEquals(9 * row + HEAD, cost.full(9));
  }

  @Test
  void modulationsCostTheirMatricesAndWhatIsInside() {
    FeedForward network = FeedForward.plain(5, Activation.RELU);
    long map = 2 * 4 * 4;
    assertLive(
        2 * 7 * 3 + 2 * map + MLP_COST,
        new Mixture.Modulated(3, Routers.switchDit(7, 2, true), network));
    Capacity.Size share = new Capacity.Size.Share(1.5, 0, Capacity.Rounding.CEIL);
    assertLive(
        2 * 4 * 8 + 2 * map + MLP_COST,
        new Mixture.Modulated(8, Routers.expertChoice(share), network));
  }

  /** The most: every row runs, and is the mean of a block of its own, or asks about all blocks. */
  @Test
  void mergedChainsCostTheirRowsAndOneMoreKeyOrQuery() {
    Sublayer plain = Sublayer.preNorm(new Norm.Rms(1e-6), Attention.full(2, 2));
    Attention grouped = Attention.full(4, 2).withKeyValueHeads(1);
    Attention latent = Attention.full(1, 1).withLatent(new Latent(null, 3, 0, 2, null));
    for (Attention attention : List.of(Attention.full(2, 2), grouped, latent)) {
      Chain chain = Chain.of(plain.with(attention));
      Cost alone = Cost.of(spec(PLAIN, EACH, block(chain)));
      Cost merged = Cost.of(spec(PLAIN, EACH, block(new Chain.Merged(2, 1, List.of(0), chain))));
      long query = 2 * 4 * attention.queryWidth();
      long key =
          attention.latent() == null ? 2 * 4 * attention.keyValueWidth() : 2 * 4 * 3 + 2 * 3 * 3;
      long most = Math.max(query, key) + 7 * 2 * attention.queryWidth();
      assertEquals(alone.live(0, 0, 7, 0) + most, merged.live(0, 0, 7, 0));
      assertEquals(alone.frozen(0), merged.frozen(0));
    }
  }

  @Test
  void slicedNetworksCostTheSlicesOfARowAndAllThatIsBehind() {
    Mixture.Sliced plain =
        new Mixture.Sliced(
            6, 5, Activation.SILU, true, Routers.mohd(1, 2), Mixture.Sliced.Scaling.SUM, null);
    long router = 2 * 4 * 6;
    long three = 2 * 4 * 15;
    long down = 2 * 30 * 4;
    assertLive(router + three + down, plain);
    long within = 2 * 30 * 5;
    assertLive(
        router + three + within + down,
        plain.withFusion(new Mixture.Sliced.Fusion(Mixture.Sliced.Fusion.Kind.WITHIN, true)));
    assertLive(
        router + three + within + 2 * 30 * 6 + down,
        plain.withFusion(new Mixture.Sliced.Fusion(Mixture.Sliced.Fusion.Kind.MONARCH, false)));
  }

  @Test
  void skipsCostTheirRouterAndWhatMayRun() {
    FeedForward network = FeedForward.plain(5, Activation.RELU);
    Skip skip = new Skip(Routers.mixtureOfDepthsCausal(), network, Bypass.MASK);
    assertEquals(2 * 4 + MLP_COST, Cost.of(spec(PLAIN, EACH, block(skip))).live(0, 0, 1, 0));
  }

  @Test
  void banksCostTheMostThatOneRowCanTake() {
    FeedForward expert = FeedForward.plain(5, Activation.RELU);
    assertLive(
        2 * 4 * 9 + 8 * MLP_COST, new Mixture(8, expert, Routers.adaptiveComputation(false)));
    Capacity.Size share = new Capacity.Size.Share(1.5, 0, Capacity.Rounding.CEIL);
    assertLive(2 * 4 * 8 + 2 * MLP_COST, new Mixture(8, expert, Routers.expertChoice(share)));
    Capacity.Size fixed = new Capacity.Size.Fixed(1);
    assertLive(2 * 4 * 8 + 8 * MLP_COST, new Mixture(8, expert, Routers.expertChoice(fixed)));
    assertLive(MLP_COST, new Mixture(8, expert, Routers.thor(1)));
    assertLive(MLP_COST, new Mixture(8, expert, Routers.hashTable(10), true));
  }

  @Test
  void pointsCostTheirScoresAndHeads() {
    // A learned score of width 4 beside a head with a recurrence of 3 channels, 2 states.
    long kept = 2 * 4 * 3 + 2 * 1 * 3 + 2 * 3 * (2 + 2 * 2) + 2 * 2 * 3 + 5 * 2 * 3;
    long body = kept + 2 * 2 * 3 + 2 * 3 * 4 + 2 * 4 * 3;
    Cost shared = Cost.of(SamplePlans.shared());
    assertEquals(2 * 4 + body + HEAD, shared.head(0));
    assertEquals(2 * 4, shared.head(1));
    assertEquals(HEAD, shared.head(2));
    // All six rows of the item, a hidden layer of 6, three outputs.
    Cost records = Cost.of(SamplePlans.records());
    assertEquals(2 * (6 * 4) * 6 + 2 * 6 * 3, records.head(1));
    // One of two fields is a number.
    assertEquals(2 * 4, records.live(0, 0, 1, 0) - recurrence());
  }

  private static long recurrence() {
    return Cost.of(spec(PLAIN, EACH, SamplePlans.RECURRENT)).live(0, 0, 1, 0);
  }

  private static void assertLive(long expected, Operation operation) {
    assertEquals(expected, Cost.of(spec(PLAIN, EACH, block(operation))).live(0, 0, 1, 0));
  }
}
