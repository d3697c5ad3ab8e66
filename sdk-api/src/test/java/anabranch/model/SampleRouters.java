package anabranch.model;

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
import anabranch.model.plan.Head;
import anabranch.model.plan.Plan;
import anabranch.model.route.Capacity;
import anabranch.model.route.Gate;
import anabranch.model.route.Logits;
import anabranch.model.route.Placement;
import anabranch.model.route.Preference;
import anabranch.model.route.Router;
import anabranch.model.route.Routers;
import anabranch.model.route.Score;
import anabranch.model.route.Selection;
import anabranch.model.route.Source;
import java.util.List;
import java.util.stream.Stream;

/** Banks with every kind of router. */
public final class SampleRouters {
  private static final Capacity.Size SHARE =
      new Capacity.Size.Share(1.25, 4, Capacity.Rounding.CEIL);

  private SampleRouters() {}

  /** A model of one block for each of {@link #mixtureRouters} and {@link #skips}. */
  public static ModelSpec mixtures() {
    FeedForward expert = FeedForward.plain(3, Activation.TANH);
    Stream<Operation> mixtures =
        mixtureRouters().stream().map(router -> new Mixture(4, expert, router, true));
    Mixture special =
        new Mixture(2, expert, Routers.longcat(2, 6))
            .withShared(FeedForward.gated(3, Activation.QUICK_GELU).withLimit(7), true)
            .withSpecials(new Mixture.Specials(1, 2, 1));
    Mixture shared =
        new Mixture(2, expert, Routers.mixtral(1))
            .withShared(FeedForward.plain(3, Activation.GELU_TANH), false);
    Mixture.Modulated modulated =
        new Mixture.Modulated(3, Routers.switchDit(6, 2, false), Chain.of(bare(shared)));
    Mixture.Modulated within = new Mixture.Modulated(2, Routers.granite(1), expert);
    Mixture.Sliced sliced =
        new Mixture.Sliced(
            3, 2, Activation.SILU, true, Routers.mohd(2, 0), Mixture.Sliced.Scaling.NONE, null);
    Mixture.Sliced mixed =
        sliced.withFusion(new Mixture.Sliced.Fusion(Mixture.Sliced.Fusion.Kind.WITHIN, false));
    Mixture.Sliced fused =
        sliced
            .withScaling(Mixture.Sliced.Scaling.SUM)
            .withFusion(new Mixture.Sliced.Fusion(Mixture.Sliced.Fusion.Kind.MONARCH, true));
    Skip around = new Skip(Routers.mindSkip(.5), within, Bypass.MASK);
    List<Block> blocks =
        Stream.of(
                mixtures,
                skips().stream(),
                Stream.of(special, shared, modulated, around, sliced, mixed, fused))
            .flatMap(operations -> operations)
            .map(operation -> Sublayer.preNorm(new Norm.Rms(1e-6), operation))
            .map(sublayer -> Block.of(sublayer.withMultiplier(.5)))
            .toList();
    return new ModelSpec(
        "mixtures",
        4,
        new Input.Tokens(10, 20),
        Embedding.plain().withMultiplier(2).withSinusoids(new Embedding.Sinusoids(2)),
        Plan.of(blocks),
        new Head(Head.Pool.EACH, null, 2, false).withMultiplier(.25));
  }

  private static Sublayer bare(Operation operation) {
    return new Sublayer(Sublayer.nameOf(operation), null, operation, null, null);
  }

  /** Routers for four experts, all presets among them. */
  public static List<Router> mixtureRouters() {
    Gate afterDrop = new Gate(Gate.Of.SIGMOID_OF_SELECTED, new Gate.Normalise(1e-9, true), 1);
    return List.of(
        Routers.switchTop1(limited(SHARE, Capacity.Population.ITEM, Capacity.Priority.POSITION)),
        Routers.stMoe(
            new Selection.Secondary(.2, Long.MAX_VALUE),
            limited(
                new Capacity.Size.Fixed(3),
                Capacity.Population.STEP,
                Capacity.Priority.RANK_THEN_POSITION)),
        Routers.stMoe(new Selection.Secondary(.3, null), new Capacity.Unlimited()),
        new Router(
            Source.EVENT_MEAN,
            new Logits.Linear(true),
            Score.SIGMOID,
            Preference.byScore(),
            new Selection.TopK(2),
            afterDrop,
            limited(
                new Capacity.Size.Share(1, 0, Capacity.Rounding.FLOOR),
                Capacity.Population.DISPATCH,
                Capacity.Priority.GATE),
            Placement.INPUT),
        Routers.expertChoice(new Capacity.Size.Share(2, 0, Capacity.Rounding.HALF_EVEN)),
        Routers.adaptiveComputation(true),
        Routers.gptOss(2),
        Routers.deepseekV3(2, new Preference.Groups(2, 1, 1, true), 2.5),
        Routers.mixtral(2),
        Routers.deepseekV2(2, 2, 1, 16),
        Routers.glm4Moe(2, 1.5),
        Routers.ernie45(2),
        Routers.longcat(2, 6),
        Routers.qwen2Moe(2, true),
        Routers.dbrx(2),
        Routers.granite(2),
        Routers.switchHead(2),
        Routers.llama4(1),
        Routers.sparseMixer(.01),
        Routers.sparseMixerTop1(.1),
        Routers.smile(Gate.score()),
        Routers.averageKeys(2, Gate.score()),
        Routers.nllb(true, .8, new Capacity.Unlimited()),
        Routers.olmoe(3),
        Routers.mohd(1, 2),
        Routers.switchDit(6, 2, true),
        Routers.dynamicTokens(5, Activation.SILU),
        Routers.dynamicWidths(),
        Routers.switchTop1(),
        Routers.hash(-1),
        Routers.hashTable(10),
        Routers.thor(5),
        Routers.thorOfSequence(6));
  }

  /** Operations that rows may skip. */
  public static List<Operation> skips() {
    Norm norm = new Norm.Rms(1e-6);
    Attention attention = Attention.causal(2, 2);
    FeedForward network = FeedForward.gated(3, Activation.GELU);
    return List.of(
        new Skip(
            Routers.mixtureOfDepths(SHARE),
            Chain.of(Sublayer.preNorm(norm, attention), Sublayer.preNorm(norm, network)),
            Bypass.MASK),
        new Skip(Routers.mixtureOfDepthsCausal(), network, Bypass.FREEZE_SHARE_KV),
        new Skip(Routers.mindSkip(.5), attention, Bypass.FREEZE_PROJECT),
        new Skip(Routers.mindSkip(.5), new Recurrence.LinearMemory(2, 3, true), Bypass.MASK),
        new Skip(Routers.skipMiddle("first", null), network, Bypass.MASK),
        new Skip(Routers.skipMiddle("second", "first"), network, Bypass.MASK),
        new Skip(Routers.skipMiddleAgain("first"), network, Bypass.MASK));
  }

  private static Capacity limited(
      Capacity.Size size, Capacity.Population population, Capacity.Priority priority) {
    return new Capacity.Limited(size, population, priority);
  }
}
