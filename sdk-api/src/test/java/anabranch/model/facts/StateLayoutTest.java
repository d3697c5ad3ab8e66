package anabranch.model.facts;

import static anabranch.model.facts.FactSpecs.CAUSAL;
import static anabranch.model.facts.FactSpecs.FULL;
import static anabranch.model.facts.FactSpecs.MLP;
import static anabranch.model.facts.FactSpecs.NGRAMS;
import static anabranch.model.facts.FactSpecs.PLAIN;
import static anabranch.model.facts.FactSpecs.block;
import static anabranch.model.facts.FactSpecs.spec;
import static org.junit.jupiter.api.Assertions.assertEquals;

import anabranch.model.ModelSpec;
import anabranch.model.SamplePlans;
import anabranch.model.facts.StateLayout.Entry;
import anabranch.model.facts.StateLayout.Kind;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Block;
import anabranch.model.layer.Bypass;
import anabranch.model.layer.Chain;
import anabranch.model.layer.Latent;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Recurrence;
import anabranch.model.layer.Skip;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Head;
import anabranch.model.route.Routers;
import java.util.List;
import org.junit.jupiter.api.Test;

class StateLayoutTest {
  private static final Head.Pool EACH = Head.Pool.EACH;

  @Test
  void keysAndValuesGrowWithTheRows() {
    // Keys and values of one head of length 3, in fp32.
    assertLayout(
        spec(PLAIN, EACH, CAUSAL, MLP),
        new Entry(0, "blocks.0.attention", Kind.KEYS_AND_VALUES, 2 * 3 * 4, 0));
    StateLayout layout = StateLayout.of(spec(PLAIN, EACH, CAUSAL, MLP));
    assertEquals(7 * 24, layout.bytes(7, 0));
  }

  @Test
  void aWindowBoundsTheRowsThatAreKept() {
    Attention attention = Attention.causal(1, 3).withWindow(new Attention.Window(9, 2));
    ModelSpec model = spec(PLAIN, EACH, block(attention), CAUSAL);
    assertLayout(
        model,
        new Entry(0, "blocks.0.attention", Kind.KEYS_AND_VALUES, 24, 0, 11),
        new Entry(0, "blocks.1.attention", Kind.KEYS_AND_VALUES, 24, 0));
    assertEquals(10 * 24 + 10 * 24, StateLayout.of(model).bytes(10, 0));
    assertEquals(11 * 24 + 90 * 24, StateLayout.of(model).bytes(90, 0));
  }

  @Test
  void latentRowsKeepTheirShortVectorAlone() {
    Attention attention = Attention.causal(8, 3).withLatent(new Latent(7, 2, 1, 5, null));
    assertLayout(
        spec(PLAIN, EACH, block(attention)),
        new Entry(0, "blocks.0.attention", Kind.KEYS_AND_VALUES, (2 + 1) * 4, 0));
  }

  @Test
  void whatReadsNothingKeepsNothing() {
    assertLayout(spec(PLAIN, EACH, MLP));
    assertLayout(spec(PLAIN, EACH, FULL));
  }

  @Test
  void ngramsKeepTokens() {
    assertLayout(spec(NGRAMS, EACH, MLP), new Entry(0, "embedding.ngrams", Kind.TOKENS, 4, 0, 2));
  }

  @Test
  void everyVisitHasAStateOfItsOwn() {
    List<Entry> entries = StateLayout.of(SamplePlans.shared()).entries();
    // An exit with a recurrence of 3 channels: no earlier input, 2 states; then two loops.
    assertEquals(
        List.of(
            new Entry(0, "blocks.0.attention", Kind.KEYS_AND_VALUES, 2 * 4 * 4, 0),
            new Entry(0, "exits.early.recurrence", Kind.RECURRENCE, 0, 3 * 2 * 4),
            new Entry(1, "blocks.1.attention", Kind.KEYS_AND_VALUES, 2 * 4 * 4, 0),
            new Entry(2, "blocks.1.attention", Kind.KEYS_AND_VALUES, 2 * 4 * 4, 0)),
        entries);
    assertEquals(5 * 3 * 32 + 24, StateLayout.of(SamplePlans.shared()).bytes(5, 9));
  }

  @Test
  void recurrencesKeepTheSameWhateverTheRows() {
    ModelSpec model = spec(PLAIN, EACH, block(new Recurrence(3, 2, 4, 1)));
    assertLayout(model, new Entry(0, "blocks.0.recurrence", Kind.RECURRENCE, 0, 3 * (3 + 2) * 4));
    assertEquals(60, StateLayout.of(model).bytes(1000, 0));
  }

  @Test
  void linearMemoriesKeepTheirStates() {
    ModelSpec model = spec(PLAIN, EACH, block(new Recurrence.LinearMemory(9, 5, true)));
    assertLayout(model, new Entry(0, "blocks.0.linearMemory", Kind.RECURRENCE, 0, 5 * 4));
  }

  @Test
  void memoryIsKeptByItsRows() {
    ModelSpec model = SamplePlans.translator();
    assertLayout(
        model,
        new Entry(2, "blocks.0.attention", Kind.KEYS_AND_VALUES, 32, 0),
        new Entry(3, "blocks.1.attention", Kind.MEMORY, 32, 0),
        new Entry(4, "blocks.2.attention", Kind.MEMORY, 32, 0));
    assertEquals(3 * 32 + 5 * 64, StateLayout.of(model).bytes(3, 5));
  }

  @Test
  void whatIsModulatedKeepsWhatItKept() {
    Chain chain = Chain.of(Sublayer.preNorm(new Norm.Rms(1e-6), Attention.causal(1, 2)));
    Mixture.Modulated block = new Mixture.Modulated(2, Routers.olmoe(1), chain);
    Mixture.Modulated single = new Mixture.Modulated(2, Routers.olmoe(1), Attention.causal(1, 2));
    assertLayout(
        spec(PLAIN, EACH, block(block), block(single)),
        new Entry(0, "blocks.0.modulated.attention", Kind.KEYS_AND_VALUES, 16, 0),
        new Entry(0, "blocks.1.modulated.attention", Kind.KEYS_AND_VALUES, 16, 0));
  }

  /** Full attention keeps nothing of its own; beside causal attention it is counted as it is. */
  @Test
  void whatIsMergedKeepsWhatItsChainKeeps() {
    Chain chain = Chain.of(Sublayer.preNorm(new Norm.Rms(1e-6), Attention.full(1, 2)));
    Chain.Merged merged = new Chain.Merged(2, 1, List.of(0), chain);
    assertEquals(
        StateLayout.of(spec(PLAIN, EACH, block(chain))).bytes(9, 0),
        StateLayout.of(spec(PLAIN, EACH, block(merged))).bytes(9, 0));
    Block causal = block(Attention.causal(1, 2));
    List<Entry> both = StateLayout.of(spec(PLAIN, EACH, causal, block(chain))).entries();
    List<Entry> same = StateLayout.of(spec(PLAIN, EACH, causal, block(merged))).entries();
    assertEquals(both.size(), same.size());
    assertEquals(
        both.stream().map(entry -> entry.path().replace("chain", "merged")).toList(),
        same.stream().map(Entry::path).toList());
  }

  @Test
  void decisionsTakenOnceAreKept() {
    Norm norm = new Norm.Rms(1e-6);
    Chain chain = Chain.of(Sublayer.preNorm(norm, Attention.causal(1, 2)));
    Skip chained = new Skip(Routers.mindSkip(.5), chain, Bypass.MASK);
    Skip single = new Skip(Routers.mindSkip(.5), Attention.causal(1, 2), Bypass.MASK);
    assertLayout(
        spec(PLAIN, EACH, block(chained), block(single)),
        new Entry(0, "blocks.0.skip", Kind.DECISION, 0, 4),
        new Entry(0, "blocks.0.skip.attention", Kind.KEYS_AND_VALUES, 16, 0),
        new Entry(0, "blocks.1.skip", Kind.DECISION, 0, 4),
        new Entry(0, "blocks.1.skip.attention", Kind.KEYS_AND_VALUES, 16, 0));
  }

  private static void assertLayout(ModelSpec model, Entry... entries) {
    assertEquals(List.of(entries), StateLayout.of(model).entries());
  }
}
