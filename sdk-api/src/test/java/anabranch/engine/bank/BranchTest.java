package anabranch.engine.bank;

import static anabranch.engine.bank.Told.item;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.Event;
import anabranch.engine.Item;
import anabranch.error.DescriptionException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

class BranchTest {
  /** Says how many rows it read, and the last of them. */
  private final Told reader =
      new Told("reader", 2, tokens -> new float[] {tokens.length, tokens[tokens.length - 1]});

  private final List<Item> calls = new ArrayList<>();

  /** The logit of an item is its first token, less ten. */
  private static final Signal UNSURE =
      item -> CompletableFuture.completedFuture(Vote.of(item.event().token(0) - 10));

  private Function<Item, CompletableFuture<Item>> adding(int token) {
    return item -> {
      calls.add(item);
      return CompletableFuture.supplyAsync(() -> with(item, token));
    };
  }

  private static Item with(Item item, int token) {
    int rows = item.event().rows();
    int[] tokens = new int[rows + 1];
    for (int i = 0; i < rows; i++) {
      tokens[i] = item.event().token(i);
    }
    tokens[rows] = token;
    return Item.of(item.id(), Event.ofTokens(tokens));
  }

  private Bank bank(Branch... branches) {
    Bank.Builder builder = Bank.builder().member("reader", reader::engine);
    for (Branch branch : branches) {
      builder.branch(branch);
    }
    return builder.build();
  }

  /** Rule Q18: at the bound, where the sigmoid is one half, no call is made. */
  @Test
  void aBranchIsCalledOnceAboveItsBoundAndNeverBelow() {
    try (Bank bank = bank(new Branch("search", UNSURE, 0.5, 40, adding(77)))) {
      for (int token : new int[] {9, 10}) {
        Answer answer = bank.answer(item(token)).join();
        assertEquals(
            List.of(1f, (float) token), List.of(answer.logits(0).get(0), answer.logits(0).get(1)));
        assertEquals(0, calls.size());
        assertEquals(0, answer.branches().get(0).cost());
      }
      Answer answer = bank.answer(item(11)).join();
      assertEquals(1, calls.size());
      assertEquals(77, answer.logits(0).get(1));
      assertEquals(2, answer.item().event().rows());
      assertTrue(answer.branches().get(0).called());
      assertEquals(40 + answer.inferences().get(0).flops(), answer.cost());
    }
  }

  /** Rule Q18. */
  @Test
  void aBranchReadsWhatTheOneBeforeMadeOfTheItem() {
    Signal byLast =
        item ->
            CompletableFuture.completedFuture(
                Vote.of(item.event().token(item.event().rows() - 1) - 50));
    try (Bank bank =
        bank(
            new Branch("one", UNSURE, 0.5, 1, adding(60)),
            new Branch("two", byLast, 0.5, 2, adding(70)))) {
      Answer both = bank.answer(item(20)).join();
      assertEquals(3, both.logits(0).get(0));
      assertEquals(70, both.logits(0).get(1));
      Answer none = bank.answer(item(3)).join();
      assertEquals(1, none.logits(0).get(0));
      assertEquals(2, calls.size());
    }
  }

  /** Rule Q18: a bank with one model may ask a branch, and its members vote on what it made. */
  @Test
  void membersAreAskedAboutTheChangedItem() {
    List<Integer> rows = new ArrayList<>();
    Signal counts =
        item -> {
          rows.add(item.event().rows());
          return CompletableFuture.completedFuture(Vote.of(0));
        };
    try (Bank bank =
        Bank.builder()
            .member("reader", reader::engine)
            .branch(new Branch("search", Signal.always(1), 0.5, 1, adding(5)))
            .gate(counts, Picking.top(1))
            .build()) {
      bank.answer(item(1)).join();
      assertEquals(List.of(2), rows);
      bank.pick(item(1)).join();
      assertEquals(List.of(2, 1), rows, "picking alone calls nobody");
    }
  }

  /** Rule Q19. */
  @Test
  void aFailureNamesTheBranch() {
    Function<Item, CompletableFuture<Item>> later =
        item -> CompletableFuture.failedFuture(new IllegalStateException("no index"));
    Function<Item, CompletableFuture<Item>> atOnce =
        item -> {
          throw new IllegalStateException("no index");
        };
    for (Function<Item, CompletableFuture<Item>> call : List.of(later, atOnce)) {
      try (Bank bank = bank(new Branch("search", Signal.always(1), 0.5, 1, call))) {
        String text = message(bank.answer(item(1)));
        assertEquals("item \"item1\": branch \"search\": no index", text);
      }
    }
    try (Bank bank = bank(new Branch("search", Signal.always(Float.NaN), 0.5, 1, adding(5)))) {
      assertEquals(
          "item \"item1\": signal of branch \"search\": "
              + "vote.logits NaN of \"search\" is not finite (rule Q16)",
          message(bank.answer(item(1))));
    }
    assertEquals(0, reader.asked.get());
  }

  private static String message(CompletableFuture<?> future) {
    return String.valueOf(
        assertThrows(CompletionException.class, future::join).getCause().getMessage());
  }

  @Test
  void branchesThatCannotExistAreRefused() {
    assertThrows(
        DescriptionException.class, () -> new Branch("search", UNSURE, Double.NaN, 1, adding(1)));
    assertThrows(
        DescriptionException.class, () -> new Branch("search", UNSURE, 0.5, -1, adding(1)));
    Branch search = new Branch("search", UNSURE, 0.5, 1, adding(1));
    assertThrows(DescriptionException.class, () -> bank(search, search));
  }
}
