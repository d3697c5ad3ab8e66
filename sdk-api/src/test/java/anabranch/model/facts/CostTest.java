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
import anabranch.model.Activation;
import anabranch.model.Block;
import anabranch.model.Embedding;
import anabranch.model.Exit;
import anabranch.model.FeedForward;
import anabranch.model.Head;
import anabranch.model.Input;
import anabranch.model.Mixture;
import anabranch.model.ModelSpec;
import anabranch.model.Norm;
import anabranch.model.Plan;
import anabranch.model.SampleSpecs;
import anabranch.model.Sublayer;
import anabranch.model.route.Routers;
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
    assertEquals(KEYS_AND_VALUES + QUERY_AND_OUT + PER_KEY, cost.live(0, 0, 9));
    assertEquals(KEYS_AND_VALUES + QUERY_AND_OUT + 3 * PER_KEY, cost.live(0, 2, 9));
    assertEquals(KEYS_AND_VALUES, cost.frozen(0));
  }

  @Test
  void fullAttentionReadsAllRows() {
    Cost cost = Cost.of(spec(PLAIN, EACH, FULL));
    long projections = 4 * (2 * 4 * 6);
    assertEquals(projections + 9 * PER_KEY, cost.live(0, 0, 9));
    assertEquals(projections + 9 * PER_KEY, cost.live(0, 8, 9));
    assertEquals(2 * (2 * 4 * 6), cost.frozen(0));
  }

  @Test
  void tokenwisePartsCostTheSameEverywhereAndNothingWhenFrozen() {
    Cost cost = Cost.of(spec(PLAIN, EACH, MLP, EXPERTS));
    assertEquals(MLP_COST + EXPERTS_COST, cost.live(0, 0, 1));
    assertEquals(MLP_COST + EXPERTS_COST, cost.live(0, 7, 20));
    assertEquals(0, cost.frozen(0));
    assertEquals(HEAD, cost.head(0));
  }

  @Test
  void onlyPickedExpertsAndLearnedRoutersCost() {
    FeedForward expert = FeedForward.plain(5, Activation.RELU);
    long router = 2 * 4 * 8;
    for (int k = 1; k <= 8; k++) {
      ModelSpec picked = spec(PLAIN, EACH, block(new Mixture(8, expert, Routers.mixtral(k))));
      assertEquals(router + k * MLP_COST, Cost.of(picked).live(0, 0, 1));
    }
    ModelSpec hashed = spec(PLAIN, EACH, block(new Mixture(8, expert, Routers.hash(1))));
    assertEquals(MLP_COST, Cost.of(hashed).live(0, 0, 1));
  }

  @Test
  void embeddingIsPaidInTheFirstStage() {
    Exit exit = exit("a", EACH, Exit.Bypass.TERMINATE);
    Cost cost = Cost.of(spec(NGRAMS, EACH, MLP, exit, MLP));
    assertEquals(NGRAM_PROJECTION + MLP_COST, cost.live(0, 0, 1));
    assertEquals(MLP_COST, cost.live(1, 0, 1));
    // Features 3 x 4, one network of inner 8.
    assertEquals(2 * 3 * 4 + 2 * (2 * 4 * 8), Cost.of(SampleSpecs.features()).live(0, 0, 1));
  }

  @Test
  void fullDepthIsEveryStageForEveryRowAndTheFinalHead() {
    Exit exit = exit("a", EACH, Exit.Bypass.FREEZE_PROJECT);
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
    assertEquals(ngrams + 2 * block + 2 * 4 * 128, cost.live(0, 0, 128));
    assertEquals(2 * block + 2 * 4 * 128 * 11, cost.live(2, 10, 128));
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
            sum += cost.live(stage, position, rows);
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
            new Plan(List.of(Block.of(Sublayer.preNorm(new Norm.Rms(1e-5), mixture)))),
            new Head(EACH, null, 2, false));
    DescriptionException refused = assertThrows(DescriptionException.class, () -> Cost.of(model));
    assertEquals(
        "cost of model \"huge\" is above 9223372036854775807 operations", refused.getMessage());
  }
}
