package anabranch.model;

import anabranch.model.layer.Activation;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Block;
import anabranch.model.layer.Bypass;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Operation;
import anabranch.model.layer.Recurrence;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Criterion;
import anabranch.model.plan.Criterion.Comparison;
import anabranch.model.plan.DepthChoice;
import anabranch.model.plan.Exit;
import anabranch.model.plan.GraphRank;
import anabranch.model.plan.Head;
import anabranch.model.plan.Loop;
import anabranch.model.plan.Part;
import anabranch.model.plan.Plan;
import anabranch.model.plan.Prune;
import java.util.List;

/** Plans with every kind of part. Width 4, three outputs. */
public final class SamplePlans {
  /** Causal attention of two heads. */
  public static final Block CAUSAL = block(Attention.causal(2, 2));

  /** Attention to all rows. */
  public static final Block FULL = block(Attention.full(2, 2));

  /** Attention to the memory. */
  public static final Block MEMORY = block(Attention.memory(2, 2));

  /** A feed-forward network. */
  public static final Block MLP = block(FeedForward.plain(5, Activation.RELU));

  /** A recurrence of three channels with two states each. */
  public static final Block RECURRENT = block(new Recurrence(3, 2, 4, 1));

  private SamplePlans() {}

  /** Returns every plan of this class, in a model. */
  public static List<ModelSpec> all() {
    return List.of(records(), pruned(), ranked(), looped(), shared(), told(), translator());
  }

  /** Records, a recurrence, heads of all rows and of a mean, with hidden layers. */
  public static ModelSpec records() {
    Head head = head(Head.Pool.FLATTEN).withHidden(6, Activation.TANH);
    Criterion margin = new Criterion(Criterion.Score.MARGIN, Comparison.GT);
    Plan plan =
        Plan.builder()
            .add(RECURRENT)
            .add(new Exit("half", head(Head.Pool.MEAN), margin, Bypass.TERMINATE))
            .add(FULL)
            .build();
    return model("records", fields(), plan, head);
  }

  /** Prunes by both scores, patience, and another order with a mean, which is chosen. */
  public static ModelSpec pruned() {
    Prune received = new Prune("received", Criterion.Score.ATTENTION_RECEIVED, List.of(0));
    Prune learned = new Prune("learned", Criterion.Score.LEARNED, List.of(0, 3));
    Criterion patience = new Criterion(Criterion.Score.PATIENCE, Comparison.GE);
    Exit exit = new Exit("patient", head(Head.Pool.FIRST), patience, Bypass.TERMINATE);
    Plan plan =
        Plan.builder()
            .add(FULL)
            .add(received)
            .add(MLP)
            .add(learned)
            .add(exit)
            .add(FULL)
            .build()
            .with("painted", List.of(run(2), received, new Part.Mean(List.of(0, 1)), exit, run(0)))
            .with("short", List.of(run(0)))
            .choose("painted");
    return model("pruned", new Input.Tokens(10, 20), plan, head(Head.Pool.FIRST));
  }

  /** Prunes by the graph of an attention, in both directions. */
  public static ModelSpec ranked() {
    GraphRank read = new GraphRank(GraphRank.Direction.TO_READ, 30, 1e-4, 0, 1);
    GraphRank readers = new GraphRank(GraphRank.Direction.TO_READERS, 1, 0, 0.125, 0.5);
    Plan plan =
        Plan.builder()
            .add(FULL)
            .add(Prune.graphRank("important", List.of(0), read))
            .add(FULL)
            .add(Prune.redundancy("distinct", List.of(0, 2), readers, Prune.Compared.KEYS))
            .add(FULL)
            .add(Prune.redundancy("apart", List.of(0), read, Prune.Compared.ROWS))
            .add(MLP)
            .build();
    return model("ranked", new Input.Tokens(10, 20), plan, head(Head.Pool.FIRST));
  }

  /** A loop that items leave when they turn no more, one that runs three times, and a mean. */
  public static ModelSpec looped() {
    Criterion turned = new Criterion(Criterion.Score.SATURATION, Comparison.GE);
    Loop.Halt halt = new Loop.Halt("still", Head.Pool.MEAN, turned, Bypass.TERMINATE);
    Plan.Builder plan = Plan.builder().add(MLP);
    int body = plan.store(FULL);
    plan.add(new Loop(List.of(run(body), run(0)), 4, halt))
        .add(new Loop(List.of(new Part.Mean(List.of(0, body))), 3, null))
        .add(MLP);
    return model("looped", new Input.Features(3, 9), plan.build(), head(Head.Pool.MEAN));
  }

  /** Rows that freeze and share their keys, at an exit of a learned score and in a loop. */
  public static ModelSpec shared() {
    Criterion learned = new Criterion(Criterion.Score.LEARNED, Comparison.LE);
    Head head = head(Head.Pool.EACH).withBody(block(new Recurrence(3, 2, 1, 2)));
    Plan.Builder plan = Plan.builder().add(CAUSAL);
    int body = plan.store(CAUSAL);
    plan.add(new Exit("early", head, learned, Bypass.FREEZE_SHARE_KV))
        .add(
            new Loop(
                List.of(run(body)),
                2,
                new Loop.Halt("out", Head.Pool.EACH, learned, Bypass.FREEZE_SHARE_KV)))
        .add(new Exit("late", head(Head.Pool.EACH), Criterion.saturation(), Bypass.MASK))
        .add(MLP);
    return model("shared", new Input.Tokens(10, 20), plan.build(), head(Head.Pool.EACH));
  }

  /** Rows that are told at the start where to leave, and run on all the same. */
  public static ModelSpec told() {
    Plan plan =
        Plan.builder()
            .add(new DepthChoice("depth", DepthChoice.From.ROWS, Head.Pool.EACH, true))
            .add(CAUSAL)
            .add(chosen("one"))
            .add(CAUSAL)
            .add(chosen("two"))
            .add(CAUSAL)
            .build();
    return model("told", new Input.Tokens(10, 20), plan, head(Head.Pool.EACH));
  }

  /** An encoder whose items may leave early, and rows that attend to what it left. */
  public static ModelSpec translator() {
    Criterion learned = new Criterion(Criterion.Score.LEARNED, Comparison.LT);
    Plan encoder =
        Plan.builder()
            .add(FULL)
            .add(new Exit("early", null, learned, Bypass.TERMINATE))
            .add(FULL)
            .build();
    Plan decoder =
        Plan.builder()
            .add(CAUSAL)
            .add(new DepthChoice("read", DepthChoice.From.MEMORY, Head.Pool.LAST, false))
            .add(MEMORY)
            .add(chosen("soon"))
            .add(MEMORY)
            .build();
    return new ModelSpec(
        "translator",
        4,
        new Encoder(fields(), Embedding.plain(), encoder, new Norm.Layer(1e-5)),
        new Input.Tokens(10, 20),
        Embedding.plain(),
        decoder,
        head(Head.Pool.EACH));
  }

  /** Two fields: a number, and one of five levels of which the last stands for unknown ones. */
  public static Input.Records fields() {
    return new Input.Records(
        List.of(new Input.Field.Numeric("size"), new Input.Field.Category("proto", 5, 4)), 6);
  }

  /** An exit that obeys a choice; its rows run on. */
  public static Exit chosen(String id) {
    return new Exit(id, head(Head.Pool.EACH), Criterion.chosen(), Bypass.DEFER_RECOMPUTE);
  }

  /** A head of three outputs. */
  public static Head head(Head.Pool pool) {
    return new Head(pool, null, 3, false);
  }

  /** A block of pre-norm sublayers. */
  public static Block block(Operation... operations) {
    return new Block(
        List.of(operations).stream()
            .map(each -> Sublayer.preNorm(new Norm.Rms(1e-6), each))
            .toList());
  }

  /** Returns a plan of blocks and parts, as they stand. */
  public static Plan plan(Object... blocksAndParts) {
    Plan.Builder plan = Plan.builder();
    for (Object each : blocksAndParts) {
      if (each instanceof Block block) {
        plan.add(block);
      } else {
        plan.add((Part) each);
      }
    }
    return plan.build();
  }

  /** The part that runs a block. */
  public static Part run(int block) {
    return new Part.Run(block);
  }

  /** A model of width 4. */
  public static ModelSpec model(String name, Input input, Plan plan, Head head) {
    return new ModelSpec(name, 4, input, Embedding.plain(), plan, head);
  }
}
