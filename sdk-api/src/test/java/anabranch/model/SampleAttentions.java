package anabranch.model;

import anabranch.model.layer.Activation;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Attention.QueryKeyNorm.Over;
import anabranch.model.layer.Block;
import anabranch.model.layer.Chain;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Latent;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Operation;
import anabranch.model.layer.RoutedHeads;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Head;
import anabranch.model.plan.Plan;
import anabranch.model.position.Distances;
import anabranch.model.position.Rotary;
import anabranch.model.route.Routers;
import java.util.List;
import java.util.stream.Stream;

/** Attention in every form. */
public final class SampleAttentions {
  private SampleAttentions() {}

  /** A model of one block for each of {@link #forms}, and one whose rows are merged. */
  public static ModelSpec attentions() {
    Norm norm = new Norm.Rms(1e-6);
    Chain chain =
        Chain.of(
            Sublayer.preNorm(norm, Attention.full(4, 2)),
            Sublayer.preNorm(norm, FeedForward.plain(3, Activation.RELU)));
    Operation merged = new Chain.Merged(4, 2, List.of(0, 7), chain);
    List<Block> blocks =
        Stream.concat(forms().stream(), Stream.of(merged))
            .map(form -> Block.of(Sublayer.preNorm(norm, form)))
            .toList();
    return new ModelSpec(
        "attentions",
        8,
        new Input.Tokens(10, 20),
        Embedding.plain(),
        Plan.of(blocks),
        new Head(Head.Pool.EACH, null, 2, false));
  }

  /** Attention with every word. */
  public static List<Attention> forms() {
    Attention plain = Attention.causal(4, 2);
    return List.of(
        plain.withBias(Attention.Bias.QUERY_KEY_VALUE),
        plain.withRotary(new Rotary(100, true, 2, new Rotary.Linear(2))),
        plain.withRotary(new Rotary(100, false, null, Rotary.Yarn.of(32, 4096))),
        plain.withWindow(new Attention.Window(7, 2)).withScores(Attention.Scores.scaled(0.25)),
        plain.withScores(Attention.Scores.usual().withSinks()),
        plain.withScores(Attention.Scores.scaled(1).withDistances(new Distances(32, 128, false))),
        plain.withNorm(new Norm.Rms(1e-6), Over.HEAD),
        plain.withNorm(new Norm.Layer(1e-6), Over.ALL).withClip(8.0),
        plain.withLatent(new Latent(5, 3, 1, 4, new Norm.Rms(1e-6))),
        plain.withRouted(new RoutedHeads(6, Routers.granite(2), true)),
        plain.withProjections(new Attention.RoutedProjections(5, Routers.switchHead(2))));
  }
}
