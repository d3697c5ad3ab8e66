package anabranch.conformance.space;

import anabranch.model.Embedding;
import anabranch.model.Encoder;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Block;
import anabranch.model.layer.Bypass;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Operation;
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
import anabranch.model.route.Router;
import anabranch.model.route.Routers;
import java.util.List;
import java.util.function.BiFunction;

/** Descriptions that have one kind of decision, one for each rule. Stateless. */
public final class Plans {
  private static final int WIDTH = 16;
  private static final Norm NORM = new Norm.Layer(1e-5);
  private static final Input TOKENS = new Input.Tokens(20, 16);

  private Plans() {}

  /** Returns a head that reads rows, or pools them. */
  public static Head head(Head.Pool pool) {
    return new Head(pool, pool == Head.Pool.FLATTEN ? null : NORM, 4, true);
  }

  /** Returns a block of an attention and a mixture. */
  public static Block block(Attention attention) {
    Mixture mixture = new Mixture(3, FeedForward.plain(8, Activation.SILU), Routers.mixtral(2));
    return Block.of(Sublayer.preNorm(NORM, attention), Sublayer.preNorm(NORM, mixture));
  }

  /** Returns four blocks with exits behind the first three. */
  public static ModelSpec leaving(
      Attention attention, Criterion criterion, Bypass bypass, Head head) {
    Plan.Builder plan = Plan.builder().add(block(attention));
    for (int exit = 0; exit < 3; exit++) {
      plan.add(new Exit("exit" + exit, head, criterion, bypass)).add(block(attention));
    }
    return model("leaving", plan.build(), head);
  }

  /** Returns a loop of up to four times between two blocks. */
  public static ModelSpec looping(
      Attention attention, Head.Pool pool, Criterion criterion, Bypass bypass) {
    Plan.Builder plan = Plan.builder();
    int body = plan.store(block(attention));
    plan.add(block(attention))
        .add(
            new Loop(
                List.of(new Part.Run(body)), 4, new Loop.Halt("halt", pool, criterion, bypass)))
        .add(block(attention));
    return model("looping", plan.build(), head(pool));
  }

  /** Returns three blocks; a choice before the second says where to leave. */
  public static ModelSpec choosing(Attention attention, Head.Pool choice, Head.Pool head) {
    Bypass bypass = head.ofItem() ? Bypass.TERMINATE : Bypass.FREEZE_PROJECT;
    Plan.Builder plan =
        Plan.builder()
            .add(block(attention))
            .add(new DepthChoice("choice", DepthChoice.From.ROWS, choice, true))
            .add(block(attention))
            .add(new Exit("early", head(head), Criterion.chosen(), bypass))
            .add(block(attention));
    return model("choosing", plan.build(), head(head));
  }

  /** Returns three blocks; rows are dropped behind the first and behind the second. */
  public static ModelSpec pruning(Criterion.Score score, Head.Pool pool) {
    return pruning((id, kept) -> new Prune(id, score, kept), pool);
  }

  /**
   * Returns three blocks; rows are dropped behind the first and behind the second.
   *
   * @param prunes makes a prune of an id and the positions that stay
   */
  public static ModelSpec pruning(BiFunction<String, List<Integer>, Prune> prunes, Head.Pool pool) {
    Attention attention = Attention.full(2, 4);
    Plan.Builder plan =
        Plan.builder()
            .add(block(attention))
            .add(prunes.apply("first", List.of(0)))
            .add(block(attention))
            .add(prunes.apply("second", List.of(0, 2)))
            .add(block(attention));
    return model("pruning", plan.build(), head(pool));
  }

  /** Returns an encoder whose items may leave early, and a decoder that reads what it left. */
  public static ModelSpec reading() {
    Block reads = block(Attention.full(3, 4));
    Plan encoder =
        Plan.builder()
            .add(reads)
            .add(new Exit("encoder-exit", null, Criterion.learned(), Bypass.TERMINATE))
            .add(reads)
            .build();
    Block writes =
        Block.of(
            Sublayer.preNorm(NORM, Attention.causal(2, 4)),
            new Sublayer("memory", NORM, Attention.memory(2, 4), null, null),
            Sublayer.preNorm(NORM, FeedForward.gated(7, Activation.GELU)));
    Head head = head(Head.Pool.EACH);
    Plan decoder =
        Plan.builder()
            .add(new DepthChoice("depth", DepthChoice.From.MEMORY, Head.Pool.MEAN, false))
            .add(writes)
            .add(new Exit("chosen", head, Criterion.chosen(), Bypass.FREEZE_PROJECT))
            .add(writes)
            .add(new Exit("sure", head, Criterion.confidence(), Bypass.FREEZE_PROJECT))
            .add(writes)
            .build();
    return new ModelSpec(
        "reading",
        WIDTH,
        new Encoder(new Input.Features(5, 16), Embedding.withPositions(), encoder, NORM),
        TOKENS,
        Embedding.plain(),
        decoder,
        head);
  }

  /** Returns three blocks the second of which skips an operation. */
  public static ModelSpec skipping(Router router, Operation operation, Bypass keys) {
    Attention attention = Attention.causal(2, 4);
    Block skips =
        Block.of(
            new Sublayer("skip", NORM, new Skip(router, operation, keys), NORM, null),
            Sublayer.preNorm(NORM, FeedForward.plain(5, Activation.RELU)));
    return model(
        "skipping", Plan.of(block(attention), skips, block(attention)), head(Head.Pool.EACH));
  }

  /** Returns two blocks over records. */
  public static ModelSpec records(Head head) {
    Input input =
        new Input.Records(
            List.of(
                new Input.Field.Numeric("a"),
                new Input.Field.Category("b", 4, 1),
                new Input.Field.Numeric("c"),
                new Input.Field.Category("d", 2, 0)),
            6);
    Block block = block(Attention.full(2, 4));
    return new ModelSpec(
        "records", WIDTH, input, Embedding.withPositions(), Plan.of(block, block), head);
  }

  private static ModelSpec model(String name, Plan plan, Head head) {
    return new ModelSpec(name, WIDTH, TOKENS, Embedding.plain(), plan, head);
  }
}
