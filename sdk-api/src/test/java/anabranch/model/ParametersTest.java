package anabranch.model;

import static anabranch.Refusals.assertRefused;
import static anabranch.model.SamplePlans.plan;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

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
import anabranch.model.layer.Parameter;
import anabranch.model.layer.Recurrence;
import anabranch.model.layer.RoutedHeads;
import anabranch.model.layer.Skip;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Criterion;
import anabranch.model.plan.Exit;
import anabranch.model.plan.Head;
import anabranch.model.plan.Plan;
import anabranch.model.route.Preference;
import anabranch.model.route.Routers;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class ParametersTest {
  private static final Norm LAYER = new Norm.Layer(1e-5);
  private static final Norm RMS = new Norm.Rms(1e-6);

  @Test
  void latentAttentionNeedsProjectionsDownAndUp() {
    Attention latent = Attention.causal(4, 3).withLatent(new Latent(6, 7, 1, 8, RMS));
    List<Parameter> needed = new ArrayList<>();
    latent.parameters("a", 5, needed::add);
    assertEquals(
        List.of(
            Parameter.matrix("a.q.down.weight", 6, 5),
            Parameter.vector("a.q.norm.weight", 6),
            Parameter.matrix("a.q.up.weight", 12, 6),
            Parameter.matrix("a.kv.down.weight", 8, 5),
            Parameter.vector("a.kv.norm.weight", 7),
            Parameter.matrix("a.kv.up.weight", 4 * (2 + 8), 7),
            Parameter.matrix("a.o.weight", 5, 32)),
        needed);
    needed.clear();
    latent.withLatent(new Latent(null, 7, 1, 8, null)).parameters("a", 5, needed::add);
    assertEquals(
        List.of(
            Parameter.matrix("a.q.weight", 12, 5),
            Parameter.matrix("a.kv.down.weight", 8, 5),
            Parameter.matrix("a.kv.up.weight", 40, 7),
            Parameter.matrix("a.o.weight", 5, 32)),
        needed);
  }

  @Test
  void routedHeadsNeedQueriesAndResultsOfEachExpert() {
    Attention routed =
        Attention.causal(2, 3).withBias().withRouted(new RoutedHeads(2, Routers.granite(1), true));
    List<Parameter> needed = new ArrayList<>();
    routed.parameters("a", 5, needed::add);
    assertEquals(
        List.of(
            Parameter.matrix("a.router.weight", 2, 5),
            Parameter.matrix("a.experts.0.q.weight", 6, 5),
            Parameter.vector("a.experts.0.q.bias", 6),
            Parameter.matrix("a.experts.0.o.weight", 5, 6),
            Parameter.vector("a.experts.0.o.bias", 5),
            Parameter.matrix("a.experts.1.q.weight", 6, 5),
            Parameter.vector("a.experts.1.q.bias", 6),
            Parameter.matrix("a.experts.1.o.weight", 5, 6),
            Parameter.vector("a.experts.1.o.bias", 5),
            Parameter.vector("a.constant", 5),
            Parameter.matrix("a.k.weight", 6, 5),
            Parameter.vector("a.k.bias", 6),
            Parameter.matrix("a.v.weight", 6, 5),
            Parameter.vector("a.v.bias", 6)),
        needed);
  }

  @Test
  void routedProjectionsNeedARouterAndExpertsForEachHeadOfEachSide() {
    Attention routed =
        Attention.causal(2, 3)
            .withKeyValueHeads(1)
            .withProjections(new Attention.RoutedProjections(2, Routers.switchHead(1)));
    List<Parameter> needed = new ArrayList<>();
    routed.parameters("a", 5, needed::add);
    assertEquals(
        List.of(
            Parameter.matrix("a.q.weight", 6, 5),
            Parameter.matrix("a.k.weight", 3, 5),
            Parameter.matrix("a.v.0.router.weight", 2, 5),
            Parameter.matrix("a.v.0.experts.0.weight", 3, 5),
            Parameter.matrix("a.v.0.experts.1.weight", 3, 5),
            Parameter.matrix("a.o.0.router.weight", 2, 5),
            Parameter.matrix("a.o.0.experts.0.weight", 5, 3),
            Parameter.matrix("a.o.0.experts.1.weight", 5, 3),
            Parameter.matrix("a.o.1.router.weight", 2, 5),
            Parameter.matrix("a.o.1.experts.0.weight", 5, 3),
            Parameter.matrix("a.o.1.experts.1.weight", 5, 3)),
        needed);
  }

  @Test
  void attentionNeedsNormsAndBiasesAsDescribed() {
    Attention grouped =
        Attention.causal(4, 3)
            .withKeyValueHeads(2)
            .withBias(Attention.Bias.QUERY_KEY_VALUE)
            .withNorm(RMS, Attention.QueryKeyNorm.Over.ALL);
    List<Parameter> needed = new ArrayList<>();
    grouped.parameters("a", 5, needed::add);
    assertEquals(
        List.of(
            Parameter.matrix("a.q.weight", 12, 5),
            Parameter.vector("a.q.bias", 12),
            Parameter.matrix("a.k.weight", 6, 5),
            Parameter.vector("a.k.bias", 6),
            Parameter.matrix("a.v.weight", 6, 5),
            Parameter.vector("a.v.bias", 6),
            Parameter.matrix("a.o.weight", 5, 12),
            Parameter.vector("a.q.norm.weight", 12),
            Parameter.vector("a.k.norm.weight", 6)),
        needed);
    needed.clear();
    grouped
        .withBias(Attention.Bias.NONE)
        .withNorm(LAYER, Attention.QueryKeyNorm.Over.HEAD)
        .parameters("a", 5, needed::add);
    assertEquals(
        List.of(
            Parameter.vector("a.q.norm.weight", 3),
            Parameter.vector("a.q.norm.bias", 3),
            Parameter.vector("a.k.norm.weight", 3),
            Parameter.vector("a.k.norm.bias", 3)),
        needed.subList(4, 8));
  }

  @Test
  void smallModelNeedsWhatAHandCounts() {
    Attention attention = Attention.causal(2, 3).withKeyValueHeads(1).withBias();
    FeedForward expert = FeedForward.gated(5, Activation.SILU).withBias();
    ModelSpec spec =
        new ModelSpec(
            "small",
            4,
            new Input.Tokens(10, 7),
            new Embedding(true, new Embedding.Ngrams(List.of(2), 8, 3, 0), LAYER),
            plan(
                Block.of(new Sublayer("mixer", LAYER, attention, RMS, LAYER)),
                new Exit(
                    "early",
                    new Head(Head.Pool.EACH, RMS, 6, true),
                    Criterion.confidence(),
                    Bypass.FREEZE_PROJECT),
                Block.of(Sublayer.preNorm(RMS, new Mixture(2, expert, Routers.gptOss(1))))),
            new Head(Head.Pool.EACH, null, 6, false));
    List<String> expected =
        List.of(
            "embedding.tokens [10, 4]",
            "embedding.positions [7, 4]",
            "embedding.ngrams.2 [8, 3]",
            "embedding.ngrams.projection [4, 3]",
            "embedding.norm.weight [4]",
            "embedding.norm.bias [4]",
            "blocks.0.mixer.before.weight [4]",
            "blocks.0.mixer.before.bias [4]",
            "blocks.0.mixer.q.weight [6, 4]",
            "blocks.0.mixer.q.bias [6]",
            "blocks.0.mixer.k.weight [3, 4]",
            "blocks.0.mixer.k.bias [3]",
            "blocks.0.mixer.v.weight [3, 4]",
            "blocks.0.mixer.v.bias [3]",
            "blocks.0.mixer.o.weight [4, 6]",
            "blocks.0.mixer.o.bias [4]",
            "blocks.0.mixer.after.weight [4]",
            "blocks.0.mixer.afterSum.weight [4]",
            "blocks.0.mixer.afterSum.bias [4]",
            "blocks.1.mixture.before.weight [4]",
            "blocks.1.mixture.router.weight [2, 4]",
            "blocks.1.mixture.router.bias [2]",
            "blocks.1.mixture.experts.0.gate.weight [5, 4]",
            "blocks.1.mixture.experts.0.gate.bias [5]",
            "blocks.1.mixture.experts.0.up.weight [5, 4]",
            "blocks.1.mixture.experts.0.up.bias [5]",
            "blocks.1.mixture.experts.0.down.weight [4, 5]",
            "blocks.1.mixture.experts.0.down.bias [4]",
            "blocks.1.mixture.experts.1.gate.weight [5, 4]",
            "blocks.1.mixture.experts.1.gate.bias [5]",
            "blocks.1.mixture.experts.1.up.weight [5, 4]",
            "blocks.1.mixture.experts.1.up.bias [5]",
            "blocks.1.mixture.experts.1.down.weight [4, 5]",
            "blocks.1.mixture.experts.1.down.bias [4]",
            "exits.early.norm.weight [4]",
            "exits.early.weight [6, 4]",
            "exits.early.bias [6]",
            "head.weight [6, 4]");
    assertEquals(expected, names(spec.parameters()));
    // 112 embedding, 8 + 24+6 + 2*(12+3) + 24+4 + 4 + 8 attention, 34 exit,
    // 4 + 8+2 + 2*(20+5 + 20+5 + 20+4) mixture, 24 head
    assertEquals(112 + 108 + 34 + 162 + 24, elements(spec));
  }

  @Test
  void featuresAreProjectedWithABias() {
    assertEquals(
        List.of(
            "embedding.features.weight [4, 3]",
            "embedding.features.bias [4]",
            "blocks.0.mlp.up.weight [8, 4]",
            "blocks.0.mlp.down.weight [4, 8]",
            "head.weight [2, 4]"),
        names(SampleSpecs.features().parameters()));
  }

  @Test
  void routersBringTheirOwnWeights() {
    FeedForward expert = FeedForward.plain(3, Activation.RELU);
    Preference.Groups groups = new Preference.Groups(2, 1, 1, false);
    assertEquals(
        List.of("m.router.weight [4, 5]", "m.router.correction [4]"),
        names(parameters(new Mixture(4, expert, Routers.deepseekV3(1, groups, 1)))).subList(0, 2));
    assertEquals(
        "m.experts.0.up.weight [3, 5]",
        names(parameters(new Mixture(4, expert, Routers.hash(1)))).get(0));
  }

  @Test
  void sharedAndSpecialMembersBringWeights() {
    FeedForward expert = FeedForward.plain(3, Activation.RELU);
    Mixture mixture =
        new Mixture(
            1,
            expert,
            Routers.longcat(2, 6),
            false,
            new Mixture.Shared(FeedForward.plain(7, Activation.GELU_TANH), true),
            new Mixture.Specials(1, 2, 1));
    assertEquals(5, mixture.members());
    assertEquals(
        List.of(
            "m.router.weight [5, 5]",
            "m.router.correction [5]",
            "m.experts.0.up.weight [3, 5]",
            "m.experts.0.down.weight [5, 3]",
            "m.constants.0.weight [2, 5]",
            "m.constants.0.vector [5]",
            "m.shared.up.weight [7, 5]",
            "m.shared.down.weight [5, 7]",
            "m.shared.score.weight [1, 5]"),
        names(parameters(mixture)));
    assertEquals(
        "m.shared.down.weight [5, 3]",
        names(parameters(new Mixture(1, expert, Routers.hash(1)).withShared(expert, false)))
            .get(3));
  }

  @Test
  void byteModelHasFiveMillionParameters() {
    assertEquals(5_278_336, elements(SampleSpecs.bytes()));
  }

  @Test
  void fewWordsDoNotAskForUnboundedLists() {
    FeedForward expert = FeedForward.gated(1, Activation.SILU);
    Block block = Block.of(Sublayer.preNorm(RMS, new Mixture(65_536, expert, Routers.mixtral(1))));
    assertRefused(
        "model.parameters 1048577 is not in 1..1048576",
        () -> tensorsOf(Collections.nCopies(6, block)));
    assertEquals(1 + 5 * (2 + 3 * 65_536) + 1, tensorsOf(Collections.nCopies(5, block)));
  }

  private static int tensorsOf(List<Block> blocks) {
    ModelSpec spec =
        new ModelSpec(
            "wide",
            1,
            new Input.Tokens(2, 2),
            Embedding.plain(),
            Plan.of(blocks),
            new Head(Head.Pool.EACH, null, 2, false));
    return spec.parameters().size();
  }

  @Test
  void shapesAreAtLeastOneAndDoNotOverflowSilently() {
    assertRefused("shape of x 0 is below 1", () -> new Parameter("x", List.of(2, 0)));
    Parameter huge = new Parameter("x", List.of(1 << 30, 1 << 30, 16));
    assertThrows(ArithmeticException.class, huge::elements);
    assertEquals(1L << 60, new Parameter("x", List.of(1 << 30, 1 << 30)).elements());
  }

  private static List<Parameter> parameters(Operation operation) {
    List<Parameter> parameters = new ArrayList<>();
    operation.parameters("m", 5, parameters::add);
    return parameters;
  }

  private static List<String> names(List<Parameter> parameters) {
    return parameters.stream().map(p -> p.name() + " " + p.shape()).toList();
  }

  private static long elements(ModelSpec spec) {
    return spec.parameters().stream().mapToLong(Parameter::elements).sum();
  }

  @Test
  void recordsAreProjectedAndLookedUp() {
    assertEquals(
        List.of(
            "embedding.features.weight [4, 1]",
            "embedding.features.bias [4]",
            "embedding.fields.proto [5, 4]"),
        names(SamplePlans.records().parameters()).subList(0, 3));
    Input.Records categories =
        new Input.Records(List.of(new Input.Field.Category("only", 2, 0)), 3);
    ModelSpec spec =
        SamplePlans.model(
            "categories", categories, plan(SamplePlans.MLP), SamplePlans.head(Head.Pool.EACH));
    assertEquals(
        List.of("embedding.features.bias [4]", "embedding.fields.only [2, 4]"),
        names(spec.parameters()).subList(0, 2));
  }

  @Test
  void recurrencesHaveNineTensors() {
    assertEquals(
        List.of(
            "m.in.weight [6, 5]",
            "m.convolution.weight [3, 4]",
            "m.convolution.bias [3]",
            "m.project.weight [5, 3]",
            "m.step.weight [3, 1]",
            "m.step.bias [3]",
            "m.a [3, 2]",
            "m.d [3]",
            "m.out.weight [5, 3]"),
        names(parameters(new Recurrence(3, 2, 4, 1))));
  }

  @Test
  void routersMayReadAHiddenLayer() {
    FeedForward network = FeedForward.plain(3, Activation.RELU);
    assertEquals(
        List.of(
            "m.router.hidden.weight [7, 5]",
            "m.router.hidden.bias [7]",
            "m.router.weight [1, 7]",
            "m.router.bias [1]",
            "m.feedForward.up.weight [3, 5]",
            "m.feedForward.down.weight [5, 3]"),
        names(
            parameters(new Skip(Routers.dynamicTokens(7, Activation.GELU), network, Bypass.MASK))));
  }

  @Test
  void linearMemoriesHaveFourMatricesAndPerhapsBiases() {
    assertEquals(
        List.of(
            "m.in.weight [2, 5]",
            "m.in.bias [2]",
            "m.a [3, 3]",
            "m.b [3, 2]",
            "m.out.weight [5, 8]",
            "m.out.bias [5]"),
        names(parameters(new Recurrence.LinearMemory(2, 3, true))));
    assertEquals(
        List.of("m.in.weight [2, 5]", "m.a [3, 3]", "m.b [3, 2]", "m.out.weight [5, 8]"),
        names(parameters(new Recurrence.LinearMemory(2, 3, false))));
  }

  @Test
  void skipsNameWhatIsInsideThem() {
    FeedForward network = FeedForward.plain(3, Activation.RELU);
    Skip single = new Skip(Routers.mindSkip(.5), network, Bypass.MASK);
    assertEquals(
        List.of(
            "m.router.weight [1, 5]",
            "m.feedForward.up.weight [3, 5]",
            "m.feedForward.down.weight [5, 3]"),
        names(parameters(single)));
    Chain chain = Chain.of(Sublayer.preNorm(RMS, network));
    assertEquals(
        List.of(
            "m.router.weight [1, 5]",
            "m.feedForward.before.weight [5]",
            "m.feedForward.up.weight [3, 5]",
            "m.feedForward.down.weight [5, 3]"),
        names(parameters(new Skip(Routers.mindSkip(.5), chain, Bypass.MASK))));
  }

  @Test
  void modulationsNeedAMatrixForEachExpertAndWhatIsInside() {
    FeedForward network = FeedForward.plain(3, Activation.RELU);
    assertEquals(
        List.of(
            "m.router.weight [2, 7]",
            "m.router.bias [2]",
            "m.experts.0.weight [5, 5]",
            "m.experts.1.weight [5, 5]",
            "m.feedForward.up.weight [3, 5]",
            "m.feedForward.down.weight [5, 3]"),
        names(parameters(new Mixture.Modulated(2, Routers.switchDit(7, 1, true), network))));
    Chain chain = Chain.of(Sublayer.preNorm(RMS, network));
    assertEquals(
        List.of(
            "m.router.weight [1, 5]",
            "m.experts.0.weight [5, 5]",
            "m.feedForward.before.weight [5]",
            "m.feedForward.up.weight [3, 5]",
            "m.feedForward.down.weight [5, 3]"),
        names(parameters(new Mixture.Modulated(1, Routers.olmoe(1), chain))));
  }

  @Test
  void mergedChainsNeedWhatTheirSublayersNeed() {
    Chain chain =
        Chain.of(
            Sublayer.preNorm(RMS, Attention.full(1, 2)),
            Sublayer.preNorm(RMS, FeedForward.plain(3, Activation.RELU)));
    List<String> names = names(parameters(new Chain.Merged(2, 1, List.of(0), chain)));
    assertEquals(names(parameters(chain)), names);
    assertEquals("m.attention.before.weight [5]", names.get(0));
  }

  @Test
  void slicedNetworksNeedAMatrixForEachSliceAndWhatFusesThem() {
    Mixture.Sliced plain =
        new Mixture.Sliced(
            2, 3, Activation.SILU, false, Routers.mohd(1, 1), Mixture.Sliced.Scaling.SUM, null);
    List<String> made =
        List.of("m.router.weight [2, 5]", "m.experts.0.weight [3, 5]", "m.experts.1.weight [3, 5]");
    assertEquals(with(made, "m.down.weight [5, 6]"), names(parameters(plain)));
    Mixture.Sliced.Fusion within =
        new Mixture.Sliced.Fusion(Mixture.Sliced.Fusion.Kind.WITHIN, false);
    assertEquals(
        with(made, "m.within.weight [6, 3]", "m.down.weight [5, 6]"),
        names(parameters(plain.withFusion(within))));
    Mixture.Sliced biased =
        new Mixture.Sliced(
            2,
            3,
            Activation.SILU,
            true,
            Routers.mohd(1, 1),
            Mixture.Sliced.Scaling.NONE,
            new Mixture.Sliced.Fusion(Mixture.Sliced.Fusion.Kind.MONARCH, true));
    assertEquals(
        List.of(
            "m.router.weight [2, 5]",
            "m.experts.0.weight [3, 5]",
            "m.experts.0.bias [3]",
            "m.experts.1.weight [3, 5]",
            "m.experts.1.bias [3]",
            "m.within.weight [6, 3]",
            "m.across.weight [6, 2]",
            "m.fusion.bias [6]",
            "m.down.weight [5, 6]",
            "m.down.bias [5]"),
        names(parameters(biased)));
  }

  private static List<String> with(List<String> first, String... more) {
    return Stream.concat(first.stream(), Stream.of(more)).toList();
  }

  @Test
  void routersOfTheLanguageBringTablesAndOneMoreLogit() {
    FeedForward expert = FeedForward.plain(3, Activation.RELU);
    assertEquals(
        List.of("m.router.weight [4, 5]", "m.router.bias [4]"),
        names(parameters(new Mixture(3, expert, Routers.adaptiveComputation(true)))).subList(0, 2));
    List<String> tabled = names(parameters(new Mixture(1, expert, Routers.hashTable(9), true)));
    assertEquals("m.router.table [9]", tabled.get(0));
    assertEquals("m.constant [5]", tabled.get(3));
    assertEquals(4, tabled.size());
    assertEquals(2, parameters(new Mixture(1, expert, Routers.thor(1))).size());
  }

  @Test
  void headsHaveBodiesHiddenLayersAndAllRows() {
    List<Parameter> own = new ArrayList<>();
    SamplePlans.head(Head.Pool.FLATTEN)
        .withBody(Block.of(Sublayer.preNorm(RMS, FeedForward.plain(3, Activation.RELU))))
        .withHidden(7, Activation.TANH)
        .parameters("head", 5, 11, own::add);
    assertEquals(
        List.of(
            "head.feedForward.before.weight [5]",
            "head.feedForward.up.weight [3, 5]",
            "head.feedForward.down.weight [5, 3]",
            "head.hidden.weight [7, 55]",
            "head.hidden.bias [7]",
            "head.weight [3, 7]"),
        names(own));
  }

  @Test
  void decisionPointsOwnTheirScores() {
    assertEquals(
        List.of(
            "choices.depth.score.weight [3, 4]",
            "choices.depth.score.bias [3]",
            "exits.one.weight [3, 4]",
            "exits.two.weight [3, 4]"),
        owned(SamplePlans.told(), ""));
    assertEquals(
        List.of(
            "prunes.learned.score.weight [1, 4]",
            "prunes.learned.score.bias [1]",
            "exits.patient.weight [3, 4]"),
        owned(SamplePlans.pruned(), ""));
    List<String> shared = owned(SamplePlans.shared(), "");
    assertEquals(
        List.of(
            "exits.early.weight [3, 4]",
            "exits.early.score.weight [1, 4]",
            "exits.early.score.bias [1]",
            "halts.out.score.weight [1, 4]",
            "halts.out.score.bias [1]",
            "exits.late.weight [3, 4]"),
        shared.subList(shared.indexOf("exits.early.weight [3, 4]"), shared.size()));
    assertEquals(List.of(), owned(SamplePlans.looped(), ""));
  }

  @Test
  void encodersComeFirstUnderTheirOwnName() {
    List<String> names = names(SamplePlans.translator().parameters());
    assertEquals("encoder.embedding.features.weight [4, 1]", names.get(0));
    assertEquals(
        List.of("encoder.exits.early.score.weight [1, 4]", "encoder.exits.early.score.bias [1]"),
        owned(SamplePlans.translator(), "encoder."));
    assertEquals(
        List.of("encoder.norm.weight [4]", "encoder.norm.bias [4]", "embedding.tokens [10, 4]"),
        names.subList(
            names.indexOf("encoder.norm.weight [4]"),
            names.indexOf("embedding.tokens [10, 4]") + 1));
    assertEquals(
        List.of("choices.read.score.weight [2, 4]", "exits.soon.weight [3, 4]"),
        owned(SamplePlans.translator(), ""));
  }

  @Test
  void otherOrdersNeedTheSameWeights() {
    ModelSpec spec = SamplePlans.pruned();
    Plan plan = spec.plan();
    assertEquals(spec.parameters(), spec.withPlan(plan.choose("short")).parameters());
    Plan plain = new Plan(plan.blocks(), plan.parts(), plan.alternatives(), null);
    assertEquals(spec.parameters(), spec.withPlan(plain).parameters());
  }

  private static List<String> owned(ModelSpec spec, String prefix) {
    return names(spec.parameters()).stream()
        .filter(name -> name.matches(prefix + "(exits|halts|prunes|choices)\\..*"))
        .toList();
  }
}
