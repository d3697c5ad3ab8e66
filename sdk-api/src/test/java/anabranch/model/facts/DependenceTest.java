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
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import anabranch.backend.LoadOptions;
import anabranch.error.DescriptionException;
import anabranch.error.Unsupported;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.SamplePlans;
import anabranch.model.SampleRouters;
import anabranch.model.SampleSpecs;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Bypass;
import anabranch.model.layer.Chain;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Operation;
import anabranch.model.layer.Skip;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.DepthChoice;
import anabranch.model.plan.Exit;
import anabranch.model.plan.Head;
import anabranch.model.plan.Plan;
import anabranch.model.route.Capacity;
import anabranch.model.route.Router;
import anabranch.model.route.Routers;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Rule D2. */
class DependenceTest {
  private static final FeedForward NETWORK = FeedForward.plain(5, Activation.RELU);
  private static final Bypass MASK = Bypass.MASK;
  private static final Capacity.Size ONE = new Capacity.Size.Fixed(1);

  @Test
  void modelDependsOnTheMostThatAnyPartDoes() {
    Head.Pool each = Head.Pool.EACH;
    assertEquals(Dependence.TOKEN, Dependence.of(spec(PLAIN, each, MLP, EXPERTS)));
    assertEquals(Dependence.PREFIX, Dependence.of(spec(NGRAMS, each, MLP)));
    assertEquals(Dependence.PREFIX, Dependence.of(spec(PLAIN, each, CAUSAL, MLP)));
    assertEquals(Dependence.SEQUENCE, Dependence.of(spec(PLAIN, each, CAUSAL, FULL, MLP)));
    assertEquals(Dependence.SEQUENCE, Dependence.of(spec(NGRAMS, each, FULL)));
    Exit exit = exit("a", each, Bypass.TERMINATE);
    assertEquals(Dependence.TOKEN, Dependence.of(spec(PLAIN, each, MLP, exit, MLP)));
  }

  @Test
  void pooledHeadReadsTheWholeEvent() {
    for (Head.Pool pool : Head.Pool.values()) {
      Dependence expected = pool == Head.Pool.EACH ? Dependence.TOKEN : Dependence.SEQUENCE;
      assertEquals(expected, Dependence.of(spec(PLAIN, pool, MLP)));
    }
  }

  @Test
  void greaterOfTwoIsTheLaterOfTheOrder() {
    Dependence[] order = {
      Dependence.TOKEN, Dependence.PREFIX, Dependence.SEQUENCE, Dependence.BATCH, Dependence.STREAM
    };
    for (int i = 0; i < order.length; i++) {
      for (int j = 0; j < order.length; j++) {
        assertEquals(order[Math.max(i, j)], order[i].or(order[j]));
      }
    }
  }

  @Test
  void groupingFollowsFromDependence() {
    assertEquals(Grouping.ROW, Grouping.of(Dependence.TOKEN));
    assertEquals(Grouping.PREFIX, Grouping.of(Dependence.PREFIX));
    assertEquals(Grouping.WHOLE, Grouping.of(Dependence.SEQUENCE));
    assertEquals(Grouping.WHOLE, Grouping.of(Dependence.BATCH));
    assertEquals(Grouping.WHOLE, Grouping.of(Dependence.STREAM));
  }

  @Test
  void operationsDependOnWhatTheyRead() {
    Head.Pool each = Head.Pool.EACH;
    assertEquals(Dependence.PREFIX, Dependence.of(spec(PLAIN, each, SamplePlans.RECURRENT)));
    assertEquals(Dependence.TOKEN, of(new Skip(Routers.mixtureOfDepthsCausal(), NETWORK, MASK)));
    assertEquals(Dependence.SEQUENCE, of(new Skip(Routers.mindSkip(.5), NETWORK, MASK)));
    assertEquals(Dependence.SEQUENCE, of(new Skip(Routers.mixtureOfDepths(ONE), NETWORK, MASK)));
    assertEquals(
        Dependence.PREFIX,
        of(new Skip(Routers.mixtureOfDepthsCausal(), Attention.causal(1, 2), MASK)));
    assertEquals(Dependence.TOKEN, of(new Mixture(2, NETWORK, Routers.thor(1))));
    assertEquals(Dependence.TOKEN, of(new Mixture(2, NETWORK, Routers.thorOfSequence(1))));
    assertEquals(Dependence.SEQUENCE, of(new Mixture(2, NETWORK, Routers.expertChoice(ONE))));
  }

  @Test
  void capacityOfTheCallDependsOnTheBatch() {
    for (Capacity.Population population : Capacity.Population.values()) {
      Dependence expected =
          population == Capacity.Population.DISPATCH ? Dependence.BATCH : Dependence.SEQUENCE;
      assertEquals(expected, of(new Mixture(2, NETWORK, limited(population))));
    }
  }

  @Test
  void headBodiesPrunesAndEncodersCount() {
    Head body = FactSpecs.head(Head.Pool.EACH).withBody(SamplePlans.RECURRENT);
    assertEquals(
        Dependence.PREFIX,
        Dependence.of(SamplePlans.model("m", new Input.Tokens(9, 9), SamplePlans.plan(MLP), body)));
    assertEquals(Dependence.SEQUENCE, Dependence.of(SamplePlans.pruned()));
    assertEquals(Dependence.SEQUENCE, Dependence.of(SamplePlans.translator()));
    assertEquals(Dependence.PREFIX, Dependence.of(SamplePlans.told()));
  }

  @Test
  void pooledChoicesReadTheWholeEvent() {
    for (DepthChoice.From from : DepthChoice.From.values()) {
      DepthChoice choice = new DepthChoice("c", from, Head.Pool.MEAN, false);
      Plan plan = SamplePlans.plan(choice, MLP, SamplePlans.chosen("a"), MLP);
      ModelSpec encoded = SamplePlans.translator();
      ModelSpec model =
          new ModelSpec(
              "m",
              4,
              from == DepthChoice.From.ROWS ? null : encoded.encoder(),
              encoded.input(),
              PLAIN,
              plan,
              encoded.head());
      assertEquals(Dependence.SEQUENCE, Dependence.of(model));
    }
  }

  @Test
  void requirementsSayWhatToBring() {
    assertRequires(SampleSpecs.bytes(), true, 0, false, 0, false, false);
    assertRequires(SampleSpecs.features(), false, 3, false, 0, false, false);
    assertRequires(SamplePlans.records(), false, 2, false, 0, false, false);
    assertRequires(SamplePlans.translator(), true, 0, false, 0, true, false);
    assertRequires(SampleRouters.mixtures(), true, 0, true, 6, false, true);
  }

  /** A30: blocks are scored when the whole event is there. */
  @Test
  void mergedRowsNeedTheirWholeEvent() {
    Sublayer attends = new Sublayer("first", null, Attention.full(1, 2), null, null);
    Operation merged = new Chain.Merged(2, 1, List.of(0), Chain.of(attends));
    assertEquals(Dependence.SEQUENCE, of(merged));
    ModelSpec model = spec(PLAIN, Head.Pool.EACH, block(merged));
    assertEquals(Grouping.WHOLE, Cut.of(model).stages().get(0).grouping());
    assertEquals(List.of(), Requirements.of(model).readsLaterRows());
  }

  /** R14: a condition is of the event and known before it runs, so that a row needs no other. */
  @Test
  void conditionsAreRequiredAndLeaveRowsAlone() {
    Mixture conditioned = new Mixture(3, NETWORK, Routers.switchDit(5, 2, true));
    Mixture other = new Mixture(3, NETWORK, Routers.switchDit(4, 2, true));
    ModelSpec model = spec(PLAIN, Head.Pool.EACH, block(conditioned), block(conditioned));
    Requirements found = Requirements.of(model);
    assertEquals(5, found.condition());
    assertFalse(found.keys() || found.random());
    assertEquals(0, Requirements.of(SampleSpecs.bytes()).condition());
    assertEquals(Dependence.TOKEN, Dependence.of(model));
    Router router = Routers.switchDit(5, 2, true);
    assertEquals(Dependence.TOKEN, of(new Mixture.Modulated(3, router, NETWORK)));
    Attention causal = Attention.causal(1, 2);
    assertEquals(Dependence.PREFIX, of(new Mixture.Modulated(3, router, causal)));
    assertEquals(Grouping.ROW, Cut.of(model).stages().get(0).grouping());
    DescriptionException differ =
        assertThrows(
            DescriptionException.class,
            () -> spec(PLAIN, Head.Pool.EACH, block(conditioned), block(other)));
    assertEquals("router.logits.numbers 4 is not 5, as of a router before", differ.getMessage());
  }

  @Test
  void laterReadersOfCausalModelsAreNamed() {
    Skip depths = new Skip(Routers.mixtureOfDepths(ONE), NETWORK, MASK);
    Mixture picked = new Mixture(2, NETWORK, Routers.expertChoice(ONE));
    Chain chain = Chain.of(Sublayer.preNorm(new Norm.Rms(1e-6), picked));
    Skip around = new Skip(Routers.mixtureOfDepthsCausal(), chain, MASK);
    ModelSpec causal =
        spec(
            PLAIN,
            Head.Pool.EACH,
            CAUSAL,
            block(depths),
            block(around),
            block(picked),
            block(new Mixture.Modulated(2, Routers.expertChoice(ONE), picked)));
    List<String> paths =
        List.of(
            "blocks.1.skip",
            "blocks.2.skip.mixture",
            "blocks.3.mixture",
            "blocks.4.modulated",
            "blocks.4.modulated.mixture");
    assertEquals(paths, Requirements.of(causal).readsLaterRows());
    for (Head.Pool pool : List.of(Head.Pool.EACH, Head.Pool.MEAN)) {
      ModelSpec full = spec(PLAIN, pool, FULL, block(depths));
      assertEquals(List.of(), Requirements.of(full).readsLaterRows());
    }
    ModelSpec tokenwise = spec(PLAIN, Head.Pool.EACH, MLP, block(depths));
    assertEquals(List.of(), Requirements.of(tokenwise).readsLaterRows());
    ModelSpec item = spec(PLAIN, Head.Pool.LAST, CAUSAL, block(depths));
    assertEquals(List.of(), Requirements.of(item).readsLaterRows());
    Skip sticky = new Skip(Routers.mindSkip(.5), NETWORK, MASK);
    ModelSpec decided = spec(PLAIN, Head.Pool.EACH, CAUSAL, block(sticky));
    assertEquals(List.of(), Requirements.of(decided).readsLaterRows());
  }

  @Test
  void laterReadersAreAcceptedByName() {
    Skip depths = new Skip(Routers.mixtureOfDepths(ONE), NETWORK, MASK);
    ModelSpec model = spec(PLAIN, Head.Pool.EACH, CAUSAL, block(depths), block(depths));
    LoadOptions options = LoadOptions.defaults();
    String rule = "reads later rows of its event in a causal model; accept it by this name";
    assertEquals(
        List.of(
            new Unsupported("blocks.1.skip", rule, "D5"),
            new Unsupported("blocks.2.skip", rule, "D5")),
        options.refusals(model));
    LoadOptions one = options.accepting("blocks.2.skip");
    assertEquals(List.of(new Unsupported("blocks.1.skip", rule, "D5")), one.refusals(model));
    assertEquals(
        List.of("accepted: blocks.2.skip reads later rows of its event"), one.notes(model));
    LoadOptions both = one.accepting("blocks.1.skip");
    assertEquals(List.of(), both.refusals(model));
    assertEquals(2, both.notes(model).size());
    assertEquals(List.of(), options.notes(model));
  }

  @Test
  void dependenceOnTheBatchIsAcceptedByTheLimit() {
    ModelSpec model =
        spec(
            PLAIN,
            Head.Pool.EACH,
            block(new Mixture(2, NETWORK, limited(Capacity.Population.DISPATCH))));
    LoadOptions options = LoadOptions.defaults();
    assertEquals(
        List.of(
            new Unsupported(
                "dependence", "BATCH is above the limit SEQUENCE of the options", "D3")),
        options.refusals(model));
    LoadOptions batch = options.withLimit(Dependence.BATCH);
    assertEquals(List.of(), batch.refusals(model));
    assertEquals(List.of("accepted: results depend on the batch"), batch.notes(model));
  }

  private static Router limited(Capacity.Population population) {
    return Routers.switchTop1(new Capacity.Limited(ONE, population, Capacity.Priority.POSITION));
  }

  private static Dependence of(Operation operation) {
    return Dependence.of(spec(PLAIN, Head.Pool.EACH, block(operation)));
  }

  private static void assertRequires(
      ModelSpec model,
      boolean tokens,
      int numbers,
      boolean keys,
      int condition,
      boolean memory,
      boolean random) {
    Requirements found = Requirements.of(model);
    assertEquals(
        new Requirements(tokens, numbers, keys, condition, memory, random, found.readsLaterRows()),
        found);
  }
}
