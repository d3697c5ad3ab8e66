package anabranch.model.facts;

import anabranch.model.Embedding;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.SamplePlans;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Block;
import anabranch.model.layer.Bypass;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Operation;
import anabranch.model.plan.Criterion;
import anabranch.model.plan.Exit;
import anabranch.model.plan.Head;
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
    return SamplePlans.block(operations);
  }

  static Head head(Head.Pool pool) {
    return SamplePlans.head(pool);
  }

  static Exit exit(String id, Head.Pool pool, Bypass bypass) {
    return new Exit(id, head(pool), Criterion.confidence(), bypass);
  }

  static ModelSpec spec(Embedding embedding, Head.Pool pool, Object... blocksAndParts) {
    return new ModelSpec(
        "facts",
        4,
        new Input.Tokens(10, 20),
        embedding,
        SamplePlans.plan(blocksAndParts),
        head(pool));
  }
}
