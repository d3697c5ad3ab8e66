package anabranch.model.facts;

import anabranch.model.Activation;
import anabranch.model.Attention;
import anabranch.model.Block;
import anabranch.model.Embedding;
import anabranch.model.Exit;
import anabranch.model.FeedForward;
import anabranch.model.Head;
import anabranch.model.Input;
import anabranch.model.Mixture;
import anabranch.model.ModelSpec;
import anabranch.model.Norm;
import anabranch.model.Operation;
import anabranch.model.Plan;
import anabranch.model.Sublayer;
import anabranch.model.route.Routers;
import java.util.List;

/** Parts of width 4 from which the tests of this package build descriptions. */
final class FactSpecs {
  static final Embedding PLAIN = Embedding.plain();
  static final Embedding NGRAMS = PLAIN.withNgrams(new Embedding.Ngrams(List.of(2, 3), 8, 3, 0));

  static final Block CAUSAL = block(Attention.causal(2, 3).withKeyValueHeads(1));
  static final Block FULL = block(Attention.full(2, 3));
  static final Block MLP = block(FeedForward.plain(5, Activation.RELU));
  static final Block EXPERTS =
      block(new Mixture(2, FeedForward.gated(5, Activation.SILU), Routers.mixtral(1)));

  private FactSpecs() {}

  static Block block(Operation... operations) {
    Norm norm = new Norm.Rms(1e-6);
    return new Block(
        List.of(operations).stream().map(each -> Sublayer.preNorm(norm, each)).toList());
  }

  static Head head(Head.Pool pool) {
    return new Head(pool, null, 3, false);
  }

  static Exit exit(String id, Head.Pool pool, Exit.Bypass bypass) {
    return new Exit(id, head(pool), Exit.Criterion.confidence(), bypass);
  }

  static ModelSpec spec(Embedding embedding, Head.Pool pool, Plan.Part... parts) {
    return new ModelSpec(
        "facts", 4, new Input.Tokens(10, 20), embedding, new Plan(List.of(parts)), head(pool));
  }
}
