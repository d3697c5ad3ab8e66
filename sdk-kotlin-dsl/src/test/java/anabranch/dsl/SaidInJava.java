package anabranch.dsl;

import anabranch.model.Embedding;
import anabranch.model.Encoder;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Block;
import anabranch.model.layer.Bypass;
import anabranch.model.layer.Chain;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Operation;
import anabranch.model.layer.Recurrence;
import anabranch.model.layer.Skip;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Criterion;
import anabranch.model.plan.DepthChoice;
import anabranch.model.plan.Exit;
import anabranch.model.plan.Head;
import anabranch.model.plan.Loop;
import anabranch.model.plan.Part;
import anabranch.model.plan.Plan;
import anabranch.model.plan.Prune;
import anabranch.model.route.Capacity;
import anabranch.model.route.Router;
import anabranch.model.route.Routers;
import anabranch.model.route.Selection;
import java.util.List;
import java.util.Map;

/** The descriptions that {@code LanguageTest} says in Kotlin. */
final class SaidInJava {
  private static final Norm NORM = new Norm.Layer(1e-5);
  private static final FeedForward NETWORK = FeedForward.plain(4, Activation.GELU);

  private SaidInJava() {}

  /** Rows that read a memory, leave early in four ways, and loop. */
  static ModelSpec rows() {
    Plan reading =
        Plan.builder()
            .add(new DepthChoice("deep", DepthChoice.From.ROWS, Head.Pool.MEAN, true))
            .add(block(Attention.full(2, 4)))
            .add(new Exit("read", null, Criterion.chosen(), Bypass.TERMINATE))
            .add(block(Attention.full(2, 4)))
            .build()
            .with("short", List.of(new Part.Run(1)));
    Input.Records fields =
        new Input.Records(
            List.of(new Input.Field.Numeric("size"), new Input.Field.Category("proto", 5, 4)), 6);
    Encoder encoder = new Encoder(fields, Embedding.plain(), reading, NORM);
    Skip skip =
        new Skip(
            Routers.mixtureOfDepthsCausal(),
            Chain.of(
                Sublayer.preNorm(NORM, Attention.causal(2, 4)), Sublayer.preNorm(NORM, NETWORK)),
            Bypass.FREEZE_PROJECT);
    Skip sticky = new Skip(Routers.mindSkip(.5), new Recurrence(3, 16, 4, 1), Bypass.MASK);
    Head head = new Head(Head.Pool.EACH, NORM, 3, true);
    Head own =
        new Head(Head.Pool.EACH, null, 3, false)
            .withHidden(7, Activation.TANH)
            .withBody(Block.of(Sublayer.preNorm(NORM, new Recurrence(3, 2, 1, 1))));
    Loop.Halt halt =
        new Loop.Halt("out", Head.Pool.EACH, Criterion.learned(), Bypass.FREEZE_PROJECT);
    Plan plan =
        Plan.builder()
            .add(
                new Block(
                    List.of(
                        new Sublayer("skip", null, skip, null, null),
                        Sublayer.preNorm(NORM, Attention.memory(2, 4)))))
            .add(new DepthChoice("told", DepthChoice.From.MEMORY, Head.Pool.MEAN, false))
            .add(block(sticky, new Mixture(3, NETWORK, Routers.adaptiveComputation(true), true)))
            .add(new Exit("obeys", head, Criterion.chosen(), Bypass.DEFER_RECOMPUTE))
            .add(block(Attention.causal(2, 4)))
            .add(new Loop(List.of(new Part.Run(2)), 3, halt))
            .add(new Exit("still", own, Criterion.saturation(), Bypass.MASK))
            .add(new Part.Mean(List.of(1, 0)))
            .add(new Exit("same", head, Criterion.patience(), Bypass.FREEZE_PROJECT))
            .add(block(Attention.causal(2, 4)))
            .build();
    return new ModelSpec(
        "rows", 8, encoder, new Input.Tokens(9, 20), Embedding.plain(), plan, head);
  }

  /** Items of which rows are pruned, in two orders. */
  static ModelSpec items() {
    Head head = new Head(Head.Pool.FIRST, NORM, 2, false);
    Prune received = new Prune("received", Criterion.Score.ATTENTION_RECEIVED, List.of(0));
    Prune learned = new Prune("learned", Criterion.Score.LEARNED, List.of(0, 3));
    Exit early = new Exit("early", head, Criterion.learned(), Bypass.TERMINATE);
    Criterion saturation = Criterion.saturation();
    Loop still =
        new Loop(
            List.of(new Part.Run(3)),
            5,
            new Loop.Halt("still", Head.Pool.MEAN, saturation, Bypass.TERMINATE));
    Plan plan =
        new Plan(
            List.of(
                block(Attention.full(2, 4)),
                block(NETWORK),
                block(NETWORK),
                block(Attention.full(2, 4)),
                block(Attention.full(2, 4))),
            List.of(
                new Part.Run(0),
                received,
                new Part.Mean(List.of(1, 2)),
                early,
                still,
                learned,
                new Loop(List.of(new Part.Run(0)), 2, null),
                new Part.Run(0)),
            Map.of(
                "reversed",
                List.of(
                    still,
                    new Part.Run(2),
                    early,
                    new Loop(List.of(new Part.Run(1)), 2, null),
                    new Part.Mean(List.of(1, 2)),
                    new Exit("late", head, Criterion.confidence(), Bypass.TERMINATE),
                    new Part.Run(4))),
            "reversed");
    return new ModelSpec("items", 8, new Input.Features(3, 6), Embedding.plain(), plan, head);
  }

  /** One mixture for each preset. */
  static ModelSpec routers() {
    Capacity capacity =
        new Capacity.Limited(
            new Capacity.Size.Share(1.25, 4, Capacity.Rounding.CEIL),
            Capacity.Population.ITEM,
            Capacity.Priority.RANK_THEN_POSITION);
    List<Router> routers =
        List.of(
            Routers.switchTop1(capacity),
            Routers.stMoe(new Selection.Secondary(.2, 7L), capacity),
            Routers.expertChoice(new Capacity.Size.Fixed(2)),
            Routers.hashTable(9),
            Routers.hash(3),
            Routers.thor(4),
            Routers.thorOfSequence(5),
            Routers.gptOss(2),
            Routers.olmoe(2));
    List<Block> blocks =
        routers.stream().map(router -> block(new Mixture(4, NETWORK, router))).toList();
    return new ModelSpec(
        "routers",
        8,
        new Input.Tokens(9, 20),
        Embedding.plain(),
        Plan.of(blocks),
        new Head(Head.Pool.FLATTEN, null, 2, false).withHidden(5, Activation.RELU));
  }

  private static Block block(Operation... operations) {
    return new Block(
        List.of(operations).stream().map(each -> Sublayer.preNorm(NORM, each)).toList());
  }
}
