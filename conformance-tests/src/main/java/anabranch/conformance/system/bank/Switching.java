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
import anabranch.engine.bank.Choice;
import anabranch.engine.bank.Picking;
import anabranch.engine.bank.Signal;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Block;
import anabranch.model.plan.Head;
import anabranch.model.plan.Plan;
import java.util.ArrayList;
import java.util.List;

/**
 * Three checkpoints of one description, which write the token that is 1, 2 or 3 behind the last,
 * with logits that tell of all the text; a fourth model reads the text and says who writes two
 * tokens.
 */
final class Switching {
  private static final int VOCABULARY = 6;
  private static final int[] TEXT = {0, 1, 2, 4, 0, 1, 2};
  private static final int[] WRITERS = {0, 1, 0};
  private static final int SEGMENT = 2;
  private static final float SEEN = 0.5f;

  private Switching() {}

  static PublishedSystem system() {
    return new PublishedSystem(
        "A44",
        "Switch generation, a checkpoint for each segment",
        "Feng et al. 2025",
        List.of(
            "a script of decisions",
            "logits computed from the whole text",
            "a model that is not picked is not loaded"),
        List.of("how the switcher is trained, and the length of a segment"),
        writer(1),
        "bank.picking.selection.k",
        (kit, given) -> check(kit, given, Picking.top(2)),
        (kit, given) -> check(kit, given, Picking.top(1)),
        null);
  }

  /** A row is its successor, and half of the mean of all successors so far. */
  private static Case writer(int step) {
    Block block = Block.of(Tiny.bare("read", Attention.causal(1, VOCABULARY)));
    float[] table = new float[VOCABULARY * VOCABULARY];
    float[] half = new float[VOCABULARY * VOCABULARY];
    for (int token = 0; token < VOCABULARY; token++) {
      table[token * VOCABULARY + (token + step) % VOCABULARY] = 1;
      half[token * VOCABULARY + token] = SEEN;
    }
    return Tiny.of(VOCABULARY, VOCABULARY, Plan.of(block))
        .give("embedding.tokens", table)
        .give("blocks.0.read.v.weight", Tiny.identity(VOCABULARY))
        .give("blocks.0.read.o.weight", half)
        .with(TEXT);
  }

  /** Means of (1, 0), of (1, 3) over three, of (4, 3) over five: the writers 0, 1, 0. */
  private static Case switcher() {
    float[] table = new float[3 * VOCABULARY];
    float[][] rows = {{1, 0, -9}, {0, 0, -9}, {0, 3, -9}, {0, 0, -9}, {2, 0, -9}, {0, 0, -9}};
    for (int token = 0; token < VOCABULARY; token++) {
      System.arraycopy(rows[token], 0, table, 3 * token, 3);
    }
    return Shelf.pooling("switcher", 3, VOCABULARY, Tiny.head(Head.Pool.MEAN, 3))
        .give("embedding.tokens", table)
        .with(TEXT);
  }

  private static double[] exact(List<Integer> text, int step) {
    double[] logits = new double[VOCABULARY];
    for (int token : text) {
      logits[(token + step) % VOCABULARY] += SEEN / text.size();
    }
    logits[(text.get(text.size() - 1) + step) % VOCABULARY] += 1;
    return logits;
  }

  private static Item item(List<Integer> text) {
    int[] tokens = text.stream().mapToInt(token -> token).toArray();
    return Item.of("text", Event.ofTokens(tokens));
  }

  private static void check(Subject kit, Case given, Picking picking) {
    Shelf shelf = new Shelf(kit, given, writer(2), writer(3), switcher());
    List<Integer> text = new ArrayList<>(List.of(TEXT[0]));
    try (Bank bank =
        Bank.builder()
            .member("base", shelf.later(0))
            .member("tuned", shelf.later(1))
            .member("aligned", shelf.later(2))
            .gate(Signal.of(shelf.open(3)), picking)
            .build()) {
      for (int segment = 0; segment < WRITERS.length; segment++) {
        Choice choice = bank.pick(item(text)).join();
        String writer = bank.members().get(WRITERS[segment]);
        assertEquals(writer, choice.best(), "who writes segment " + segment);
        for (int token = 0; token < SEGMENT; token++) {
          Answer answer = bank.answer(item(text), choice).join();
          Engine engine = bank.engine(writer).join();
          int last = answer.units() - 1;
          String what = "segment " + segment + " token " + token;
          shelf.expect(what, engine, answer.logits(last), exact(text, WRITERS[segment] + 1));
          text.add(answer.label(last));
        }
        shelf.expectLoads("behind segment " + segment, 1, Math.min(segment, 1), 0, 1);
      }
    }
    List<Integer> all = new ArrayList<>();
    for (int token : TEXT) {
      all.add(token);
    }
    assertEquals(all, text, "the text");
  }
}
