package anabranch.model;

import static anabranch.Refusals.assertRefused;
import static anabranch.model.SamplePlans.CAUSAL;
import static anabranch.model.SamplePlans.FULL;
import static anabranch.model.SamplePlans.MEMORY;
import static anabranch.model.SamplePlans.MLP;
import static anabranch.model.SamplePlans.RECURRENT;
import static anabranch.model.SamplePlans.block;
import static anabranch.model.SamplePlans.chosen;
import static anabranch.model.SamplePlans.head;
import static anabranch.model.SamplePlans.plan;
import static anabranch.model.SamplePlans.run;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import anabranch.model.layer.Activation;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Block;
import anabranch.model.layer.Bypass;
import anabranch.model.layer.Chain;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Latent;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Norm;
import anabranch.model.layer.RoutedHeads;
import anabranch.model.layer.Skip;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Criterion;
import anabranch.model.plan.DepthChoice;
import anabranch.model.plan.Exit;
import anabranch.model.plan.GraphRank;
import anabranch.model.plan.Head;
import anabranch.model.plan.Loop;
import anabranch.model.plan.Part;
import anabranch.model.plan.Plan;
import anabranch.model.plan.Prune;
import anabranch.model.route.Logits;
import anabranch.model.route.Router;
import anabranch.model.route.Routers;
import anabranch.model.route.Source;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What the parts of a model owe each other. */
class PlanRulesTest {
  private static final Input TOKENS = new Input.Tokens(10, 20);

  @Test
  void fieldsHaveNamesAndLevels() {
    assertRefused("input.fields.size 0 is below 1", () -> new Input.Records(List.of(), 3));
    Input.Field x = new Input.Field.Numeric("x");
    assertRefused(
        "input.field.name \"x\" is used twice", () -> new Input.Records(List.of(x, x), 3));
    assertRefused(
        "input.maxLength 0 is not in 1..16777216", () -> new Input.Records(List.of(x), 0));
    assertRefused(
        "input.field.name \"a b\" is not 1 to 64 letters, digits, '_' or '-'",
        () -> new Input.Field.Numeric("a b"));
    assertRefused(
        "input.field \"p\" levels 0 is not in 1..16777216",
        () -> new Input.Field.Category("p", 0, 0));
    assertRefused(
        "input.field \"p\" unknown 3 is not in 0..2", () -> new Input.Field.Category("p", 3, 3));
  }

  @Test
  void numbersThatAreNoLevelCountAsUnknown() {
    Input.Field.Category field = new Input.Field.Category("p", 3, 1);
    assertArrayEquals(
        new int[] {0, 2, 1, 1, 1, 1, 1, 0},
        new int[] {
          field.levelOf(0),
          field.levelOf(2),
          field.levelOf(3),
          field.levelOf(-1),
          field.levelOf(.5f),
          field.levelOf(Float.NaN),
          field.levelOf(Float.POSITIVE_INFINITY),
          field.levelOf(-0f)
        });
  }

  @Test
  void memoryNeedsAnEncoder() {
    assertRefused(
        "attention.mask MEMORY needs a model with an encoder, outside of it",
        () -> model(plan(MEMORY), Head.Pool.EACH));
    DepthChoice choice = new DepthChoice("c", DepthChoice.From.MEMORY, Head.Pool.MEAN, false);
    assertRefused(
        "choice \"c\" from MEMORY needs a model with an encoder, outside it",
        () -> model(plan(choice, MLP, chosen("a"), MLP), Head.Pool.EACH));
    assertRefused(
        "attention.mask MEMORY needs a model with an encoder, outside of it",
        () -> encoded(plan(MEMORY)));
  }

  @Test
  void tablesKnowEveryToken() {
    FeedForward expert = FeedForward.plain(2, Activation.RELU);
    Block nine = block(new Mixture(2, expert, Routers.hashTable(9)));
    assertRefused("router.table.size 9 is not in 10..10", () -> model(plan(nine), Head.Pool.EACH));
    Block skipped = block(new Skip(Routers.mindSkip(.5), expert, Bypass.MASK));
    model(plan(skipped, block(new Mixture(2, expert, Routers.hashTable(10)))), Head.Pool.EACH);
  }

  @Test
  void headBodiesReadEarlierRowsAtMost() {
    Head attends = head(Head.Pool.EACH).withBody(CAUSAL);
    String rule = " is not a feed-forward network or a recurrence";
    String attention = CAUSAL.sublayers().get(0).operation().toString();
    assertRefused(
        "head body " + attention + rule, () -> SamplePlans.model("m", TOKENS, plan(MLP), attends));
    Exit exit = new Exit("x", attends, Criterion.confidence(), Bypass.TERMINATE);
    assertRefused(
        "exit \"x\" head body " + attention + rule,
        () -> model(plan(MLP, exit, MLP), Head.Pool.EACH));
    Head recurs = head(Head.Pool.EACH).withBody(RECURRENT);
    SamplePlans.model("m", TOKENS, plan(MLP), recurs);
  }

  @Test
  void headsAreMissingOnlyInEncoders() {
    Exit exit = new Exit("x", null, Criterion.learned(), Bypass.TERMINATE);
    assertRefused(
        "exit \"x\" head is missing outside an encoder",
        () -> model(plan(MLP, exit, MLP), Head.Pool.EACH));
    encoded(plan(MLP, exit, MLP));
    Exit answered = new Exit("x", head(Head.Pool.MEAN), Criterion.learned(), Bypass.TERMINATE);
    assertRefused(
        "encoder exit \"x\" has a head, but what leaves is memory (rule I8)",
        () -> encoded(plan(MLP, answered, MLP)));
  }

  @Test
  void itemsLeaveAnEncoderWhole() {
    Exit exit = new Exit("x", null, Criterion.learned(), Bypass.FREEZE_PROJECT);
    assertRefused(
        "encoder exit \"x\" bypass FREEZE_PROJECT needs rows, but the whole item leaves (rule I8)",
        () -> encoded(plan(FULL, exit, FULL)));
    assertRefused(
        "prune \"p\" stands in an encoder",
        () -> encoded(plan(FULL, new Prune("p", Criterion.Score.LEARNED, List.of(0)), FULL)));
    DepthChoice each = new DepthChoice("c", DepthChoice.From.ROWS, Head.Pool.EACH, false);
    Exit obeys = new Exit("a", null, Criterion.chosen(), Bypass.TERMINATE);
    assertRefused(
        "choice \"c\" in an encoder reads its own rows, pooled",
        () -> encoded(plan(each, MLP, obeys, MLP)));
  }

  @Test
  void haltsGoWithTheHeadAndTheLoop() {
    assertRefused(
        "halt \"h\" bypass DEFER_RECOMPUTE is for exits",
        () -> looped(Head.Pool.EACH, Bypass.DEFER_RECOMPUTE, MLP, Head.Pool.EACH));
    assertRefused(
        "halt \"h\" bypass MASK needs rows, but the whole item goes on",
        () -> looped(Head.Pool.MEAN, Bypass.MASK, MLP, Head.Pool.MEAN));
    assertRefused(
        "halt \"h\" bypass TERMINATE takes keys from a loop that mixes rows",
        () -> looped(Head.Pool.EACH, Bypass.TERMINATE, CAUSAL, Head.Pool.EACH));
    assertRefused(
        "halt \"h\" pool MEAN does not go with heads of single rows",
        () -> looped(Head.Pool.MEAN, Bypass.TERMINATE, MLP, Head.Pool.EACH));
    looped(Head.Pool.EACH, Bypass.TERMINATE, MLP, Head.Pool.EACH);
    looped(Head.Pool.EACH, Bypass.FREEZE_PROJECT, CAUSAL, Head.Pool.MEAN);
    looped(Head.Pool.MEAN, Bypass.TERMINATE, CAUSAL, Head.Pool.MEAN);
  }

  @Test
  void prunesLeaveTheHeadItsRows() {
    Prune learned = new Prune("p", Criterion.Score.LEARNED, List.of(1));
    for (Head.Pool pool : List.of(Head.Pool.EACH, Head.Pool.LAST, Head.Pool.FLATTEN)) {
      assertRefused(
          "prune \"p\" does not go with head pool "
              + pool
              + ", which needs rows that it may drop (rule X9)",
          () -> model(plan(MLP, learned, MLP), pool));
    }
    assertRefused(
        "prune \"p\" kept [1] lacks position 0, which the head reads (rule X9)",
        () -> model(plan(MLP, learned, MLP), Head.Pool.FIRST));
    model(plan(MLP, learned, MLP), Head.Pool.MEAN);
  }

  @Test
  void prunesByAttentionComeBehindSome() {
    Prune received = new Prune("p", Criterion.Score.ATTENTION_RECEIVED, List.of(0));
    Prune before = new Prune("q", Criterion.Score.LEARNED, List.of(0));
    String rule =
        "prune \"p\" score ATTENTION_RECEIVED needs attention since the last decision (rule X10)";
    assertRefused(rule, () -> model(plan(MLP, received, FULL), Head.Pool.FIRST));
    assertRefused(rule, () -> model(plan(FULL, before, MLP, received, MLP), Head.Pool.FIRST));
    model(plan(FULL, before, FULL, MLP, received, MLP), Head.Pool.FIRST);
  }

  /** A30: a merged row shows no key of its own, neither to be shared nor to be counted. */
  @Test
  void mergedRowsShowNoKeysOfTheirOwn() {
    Sublayer attends = new Sublayer("first", null, Attention.full(2, 2), null, null);
    Block merged = block(new Chain.Merged(2, 1, List.of(0), Chain.of(attends)));
    Exit share = exit("a", Bypass.FREEZE_SHARE_KV);
    String shared =
        "bypass FREEZE_SHARE_KV does not go with merged rows, which show no keys of their own"
            + " (rule A30)";
    assertRefused(shared, () -> model(plan(FULL, share, merged), Head.Pool.EACH));
    FeedForward network = FeedForward.plain(3, Activation.RELU);
    Skip skip = new Skip(Routers.mixtureOfDepthsCausal(), network, Bypass.FREEZE_SHARE_KV);
    assertRefused(shared, () -> model(plan(FULL, merged, block(skip)), Head.Pool.EACH));
    model(plan(FULL, exit("a", Bypass.FREEZE_PROJECT), merged), Head.Pool.EACH);
    Prune received = new Prune("p", Criterion.Score.ATTENTION_RECEIVED, List.of(0));
    Prune before = new Prune("q", Criterion.Score.LEARNED, List.of(0));
    assertRefused(
        "prune \"p\" score ATTENTION_RECEIVED does not go with merged rows since the last decision"
            + " (rule A30)",
        () -> model(plan(FULL, merged, received, FULL), Head.Pool.FIRST));
    model(plan(merged, before, FULL, received, merged), Head.Pool.FIRST);
  }

  @Test
  void graphsAreDrawnByAllRowsWithAllHeads() {
    GraphRank rank = new GraphRank(GraphRank.Direction.TO_READ, 3, 0, 0, 1);
    Prune graph = Prune.graphRank("p", List.of(0), rank);
    Prune redundant = Prune.redundancy("p", List.of(0), rank, Prune.Compared.KEYS);
    String needs =
        "prune \"p\" score GRAPH_RANK needs attention since the last decision, the last of them in"
            + " no other operation (rule X19)";
    assertRefused(needs, () -> model(plan(MLP, graph, FULL), Head.Pool.FIRST));
    Prune before = new Prune("q", Criterion.Score.LEARNED, List.of(0));
    assertRefused(needs, () -> model(plan(FULL, before, MLP, graph, MLP), Head.Pool.FIRST));
    Attention attention = Attention.full(2, 2);
    Block skips = block(new Skip(Routers.mixtureOfDepthsCausal(), attention, Bypass.MASK));
    assertRefused(needs, () -> model(plan(FULL, skips, graph, MLP), Head.Pool.FIRST));
    Block causal = block(Attention.causal(2, 2));
    assertRefused(
        "prune \"p\" score GRAPH_RANK needs attention.mask FULL since the last decision, not CAUSAL"
            + " (rule X19)",
        () -> model(plan(FULL, causal, graph, MLP), Head.Pool.FIRST));
    Block routed = block(attention.withRouted(new RoutedHeads(2, Routers.mixtral(1), false)));
    assertRefused(
        "prune \"p\" score REDUNDANCY does not go with attention.routed, where rows ask with other"
            + " heads (rule X19)",
        () -> model(plan(routed, redundant, MLP), Head.Pool.FIRST));
    Block latent = block(attention.withLatent(new Latent(null, 3, 0, 2, null)));
    model(plan(latent, graph, MLP), Head.Pool.FIRST);
    assertRefused(
        "prune \"p\" compared KEYS does not go with attention.latent, whose keys are made where"
            + " read (rule X20)",
        () -> model(plan(latent, redundant, MLP), Head.Pool.FIRST));
    model(plan(causal, FULL, redundant, MLP), Head.Pool.FIRST);
  }

  @Test
  void choicesGoWithTheHead() {
    DepthChoice each = new DepthChoice("c", DepthChoice.From.ROWS, Head.Pool.EACH, false);
    Exit obeys = new Exit("a", head(Head.Pool.MEAN), Criterion.chosen(), Bypass.TERMINATE);
    assertRefused(
        "choice \"c\" pool EACH does not go with a head of the item",
        () -> model(plan(each, MLP, obeys, MLP), Head.Pool.MEAN));
  }

  /** Rule A17. */
  @Test
  void rowsFreezeInOneWay() {
    Exit project = exit("a", Bypass.FREEZE_PROJECT);
    Exit share = exit("b", Bypass.FREEZE_SHARE_KV);
    assertRefused(
        "bypass FREEZE_SHARE_KV does not go with FREEZE_PROJECT at another place of the plan (rule A17)",
        () -> model(plan(CAUSAL, project, CAUSAL, share, CAUSAL), Head.Pool.EACH));
    model(
        plan(
            CAUSAL,
            project,
            CAUSAL,
            exit("b", Bypass.DEFER_RECOMPUTE),
            CAUSAL,
            exit("c", Bypass.MASK),
            CAUSAL),
        Head.Pool.EACH);
  }

  @Test
  void sharedKeysWereMadeBeforeAndHaveOneShape() {
    Exit share = exit("a", Bypass.FREEZE_SHARE_KV);
    assertRefused(
        "bypass FREEZE_SHARE_KV has no attention before it whose keys could be shared (rule A5)",
        () -> model(plan(MLP, share, CAUSAL), Head.Pool.EACH));
    model(plan(MLP, share, MLP), Head.Pool.EACH);
    Block other = block(Attention.causal(2, 3));
    assertRefused(
        "bypass FREEZE_SHARE_KV needs attentions of one shape (rule A5)",
        () -> model(plan(CAUSAL, share, other), Head.Pool.EACH));
    Block rotated = block(Attention.causal(2, 2).withRotary(100));
    assertRefused(
        "bypass FREEZE_SHARE_KV needs attentions of one shape (rule A5)",
        () -> model(plan(CAUSAL, share, rotated), Head.Pool.EACH));
    Block latent = block(Attention.causal(2, 2).withLatent(new Latent(null, 3, 0, 2, null)));
    assertRefused(
        "bypass FREEZE_SHARE_KV does not go with attention.latent: its keys are made where read",
        () -> model(plan(latent, share, latent), Head.Pool.EACH));
    Block skips =
        block(
            new Skip(
                Routers.mixtureOfDepthsCausal(), Attention.causal(2, 2), Bypass.FREEZE_SHARE_KV));
    assertRefused(
        "bypass FREEZE_SHARE_KV needs attentions of one shape (rule A5)",
        () -> model(plan(other, skips), Head.Pool.EACH));
    model(plan(CAUSAL, skips), Head.Pool.EACH);
  }

  @Test
  void whatRowsCarryIsThereWhenItIsRead() {
    Block sum = skips(Routers.skipMiddle("sum", null));
    Block more = skips(Routers.skipMiddle("more", "sum"));
    Block again = skips(Routers.skipMiddleAgain("sum"));
    model(plan(sum, more, again), Head.Pool.EACH);
    String missing =
        "router.logits.from \"sum\" is not remembered since the last place where units may leave (rule R13)";
    assertRefused(missing, () -> model(plan(again, sum), Head.Pool.EACH));
    assertRefused(missing, () -> model(plan(more, sum), Head.Pool.EACH));
    Exit exit = exit("a", Bypass.MASK);
    assertRefused(missing, () -> model(plan(sum, exit, again), Head.Pool.EACH));
    Block mixes =
        block(
            new Mixture(
                3,
                FeedForward.plain(2, Activation.RELU),
                Routers.granite(1).with(Source.HIDDEN, new Logits.Recalled("sum"))));
    assertRefused(
        "router.logits.from \"sum\" are 1 numbers, not 3",
        () -> model(plan(sum, mixes), Head.Pool.EACH));
    Block inside =
        block(Chain.of(Sublayer.preNorm(new Norm.Rms(1), again.sublayers().get(0).operation())));
    assertRefused(
        "router.logits of sublayer \"chain\" are carried, but stand inside another operation (rule R13)",
        () -> model(plan(sum, inside), Head.Pool.EACH));
    Plan.Builder mean = Plan.builder();
    mean.add(sum);
    int beside = mean.store(again);
    mean.add(new Part.Mean(List.of(beside))).add(MLP);
    assertRefused(
        "router.logits of block " + beside + " are carried, but it runs beside others (rule R13)",
        () -> model(mean.build(), Head.Pool.EACH));
    assertRefused(
        "router.source EVENT_MEAN does not go with logits Recalled[from=sum]",
        () -> Routers.skipMiddleAgain("sum").with(Source.EVENT_MEAN, new Logits.Recalled("sum")));
  }

  private static Block skips(Router router) {
    return block(new Skip(router, Attention.causal(2, 2), Bypass.MASK));
  }

  @Test
  void everyOrderOwesTheSame() {
    Exit share = exit("a", Bypass.FREEZE_SHARE_KV);
    Plan plan = plan(CAUSAL, MLP, share, CAUSAL);
    model(plan, Head.Pool.EACH);
    Plan late = plan.with("late", List.of(run(1), share, run(0), run(2)));
    assertRefused(
        "bypass FREEZE_SHARE_KV has no attention before it whose keys could be shared (rule A5)",
        () -> model(late, Head.Pool.EACH));
  }

  private static Exit exit(String id, Bypass bypass) {
    return new Exit(id, head(Head.Pool.EACH), Criterion.confidence(), bypass);
  }

  private static void looped(Head.Pool halts, Bypass bypass, Block body, Head.Pool pool) {
    Loop.Halt halt = new Loop.Halt("h", halts, Criterion.learned(), bypass);
    model(plan(body, new Loop(List.of(run(0)), 3, halt)), pool);
  }

  private static void model(Plan plan, Head.Pool pool) {
    SamplePlans.model("m", TOKENS, plan, head(pool));
  }

  private static void encoded(Plan plan) {
    Encoder encoder = new Encoder(new Input.Features(2, 5), Embedding.plain(), plan, null);
    SamplePlans.model("m", TOKENS, plan(MLP), head(Head.Pool.EACH)).withEncoder(encoder);
  }
}
