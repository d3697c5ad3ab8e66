package anabranch.conformance.system.bank;

import static org.junit.jupiter.api.Assertions.assertEquals;

import anabranch.backend.Event;
import anabranch.conformance.space.Case;
import anabranch.conformance.system.PublishedSystem;
import anabranch.conformance.system.Tiny;
import anabranch.conformance.trial.Subject;
import anabranch.engine.Engine;
import anabranch.engine.Item;
import anabranch.engine.bank.Answer;
import anabranch.engine.bank.Bank;
import anabranch.engine.bank.Branch;
import anabranch.engine.bank.Signal;
import anabranch.model.Embedding;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Block;
import anabranch.model.layer.Mixture;
import anabranch.model.plan.Head;
import anabranch.model.plan.Plan;
import anabranch.model.route.Routers;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A model that reads the mean of all it sees, then has two experts, answers with the last row; a
 * network of its own says which queries are searched for, and what is found comes before the query.
 */
final class Retrieval {
  private static final double COST = 1 << 20;
  private static final int[] FOUND = {3, 4};
  private static final double[] NUMBERS = {1, 2, -1, 7, 4};
  private static final double[] SHARES = {0.75, 0.4, 0.9, 0.6, 0.3};

  /** What the gate says of each token; its logit is the mean. */
  private static final float[] UNSURE = {-2, 1, 3, 0, -1};

  /** The logits -2, 1, 0.5, -0.5, and 0, of which the sigmoid is the bound. */
  private static final int[][] QUERIES = {{0}, {1}, {0, 2}, {0, 1}, {3}};

  private static final boolean[] SEARCHED = {false, true, true, false, false};

  private Retrieval() {}

  static PublishedSystem system() {
    return new PublishedSystem(
        "A12",
        "ExpertRAG, retrieval behind a gate",
        "Gumaan 2025",
        List.of(
            "computed directly with single numbers",
            "counted calls",
            "the mean cost is that of the parts"),
        List.of("everything but the theory: no experiments are published"),
        answering(),
        "bank.branch.bound",
        (kit, given) -> check(kit, given, 0.8),
        (kit, given) -> check(kit, given, 0.5),
        null);
  }

  private static Case answering() {
    Block block =
        Block.of(
            Tiny.bare("read", Attention.causal(1, 1)),
            Tiny.bare("sparse", new Mixture(2, Tiny.unit(), Routers.switchTop1())));
    ModelSpec spec =
        new ModelSpec(
            "answers",
            2,
            new Input.Tokens(NUMBERS.length, 64),
            Embedding.plain(),
            Plan.of(block),
            Tiny.head(Head.Pool.LAST, 2));
    float[] table = new float[2 * NUMBERS.length];
    for (int token = 0; token < NUMBERS.length; token++) {
      table[2 * token] = (float) NUMBERS[token];
      table[2 * token + 1] = Tiny.odds(SHARES[token]);
    }
    return Tiny.of(spec)
        .give("embedding.tokens", table)
        .give("blocks.0.read.v.weight", 1, 0)
        .give("blocks.0.read.o.weight", 1, 0)
        .give("blocks.0.sparse.router.weight", 0, 1, 0, 0)
        .copier("blocks.0.sparse.experts.0", 0, 0, 1)
        .copier("blocks.0.sparse.experts.1", 0, 0, 2)
        .with(QUERIES);
  }

  private static Case gate() {
    return Shelf.pooling("unsure", 1, UNSURE.length, Tiny.head(Head.Pool.MEAN, 1))
        .give("embedding.tokens", UNSURE)
        .with(QUERIES);
  }

  private static double[] exact(int[] text) {
    int last = text[text.length - 1];
    double mean = 0;
    for (int token : text) {
      mean += NUMBERS[token] / text.length;
    }
    double x = NUMBERS[last] + mean;
    double share = SHARES[last];
    double best = share >= 0.5 ? share : 2 * (1 - share);
    return new double[] {x + best * Math.max(x, 0), Tiny.odds(share)};
  }

  private static int[] found(int[] query) {
    int[] text = new int[FOUND.length + query.length];
    System.arraycopy(FOUND, 0, text, 0, FOUND.length);
    System.arraycopy(query, 0, text, FOUND.length, query.length);
    return text;
  }

  private static void check(Subject kit, Case given, double bound) {
    Shelf shelf = new Shelf(kit, given, gate());
    AtomicInteger calls = new AtomicInteger();
    Branch search =
        new Branch(
            "search",
            Signal.of(shelf.open(1)),
            bound,
            COST,
            item -> {
              calls.incrementAndGet();
              return CompletableFuture.supplyAsync(() -> found(item));
            });
    double cost = 0;
    double alone = 0;
    int searched = 0;
    try (Bank bank = Bank.builder().member("answers", shelf.later(0)).branch(search).build();
        Engine gate = shelf.open(1)) {
      Engine model = bank.engine("answers").join();
      for (int n = 0; n < QUERIES.length; n++) {
        Item query = Item.of("query" + n, Event.ofTokens(QUERIES[n]));
        Answer answer = bank.answer(query).join();
        searched += SEARCHED[n] ? 1 : 0;
        assertEquals(searched, calls.get(), "calls until query " + n);
        int[] text = SEARCHED[n] ? found(QUERIES[n]) : QUERIES[n];
        shelf.expect("query " + n, model, answer.logits(0), exact(text));
        cost += answer.cost();
        alone += gate.infer(query).flops();
        alone += model.infer(Item.of("text" + n, Event.ofTokens(text))).flops();
      }
    }
    double share = 2 / 5d;
    assertEquals(
        alone / QUERIES.length + share * COST, cost / QUERIES.length, 1e-3, "the mean cost");
    shelf.expectLoads("one model and the gate, once more alone", 1, 2);
  }

  private static Item found(Item query) {
    int[] tokens = new int[query.event().rows()];
    for (int i = 0; i < tokens.length; i++) {
      tokens[i] = query.event().token(i);
    }
    return Item.of(query.id(), Event.ofTokens(found(tokens)));
  }
}
