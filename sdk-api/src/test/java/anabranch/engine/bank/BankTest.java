package anabranch.engine.bank;

import static anabranch.engine.bank.Told.item;
import static anabranch.engine.bank.Told.numbers;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.engine.Engine;
import anabranch.engine.Item;
import anabranch.error.DescriptionException;
import anabranch.error.ExecutionException;
import anabranch.model.plan.Head;
import anabranch.model.route.Gate;
import anabranch.model.route.Score;
import anabranch.model.route.Selection;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class BankTest {
  private static final float LN3 = (float) Math.log(3);

  private final Told first = Told.always("first", 1, -2);
  private final Told second = new Told("second", 2, tokens -> new float[] {tokens[0], 8});
  private final Told third = Told.always("third", 100, 100);
  private final AtomicInteger opened = new AtomicInteger();

  private Bank.Builder three() {
    return Bank.builder()
        .member("a", () -> opened(first))
        .member("b", () -> opened(second))
        .member("c", () -> opened(third));
  }

  private Engine opened(Told model) {
    opened.incrementAndGet();
    return model.engine();
  }

  /** Rule Q16: softmax over all, the two best, divided by their sum: 0.75 and 0.25. */
  @Test
  void theAnswerIsTheWeightedSumOfThePickedModels() {
    Signal signal = Signal.of(Told.always("gate", 0, LN3, -1).engine());
    try (Bank bank = three().gate(signal, Picking.top(2)).build()) {
      Answer answer = bank.answer(item(4)).join();
      assertArrayEquals(new float[] {3.25f, 5.5f}, numbers(answer.logits(0)), 1e-6f);
      assertEquals(1, answer.label(0));
      assertEquals("b", answer.choice().best());
      assertEquals(
          List.of("b", "a"), answer.choice().shares().stream().map(s -> s.member()).toList());
      assertEquals(0.75f, answer.choice().shares().get(0).weight(), 1e-6f);
      assertEquals(
          List.of("second", "first"),
          answer.inferences().stream().map(said -> said.version()).toList());
      assertEquals("gate", answer.choice().vote().version());
    }
  }

  /** Rule Q16: with one that has all the weight, the bits are those of that model alone. */
  @Test
  void aOneHotGateIsThatModelAlone() {
    Told odd = Told.always("odd", -0f, 1e-45f, 1 / 3f);
    try (Bank bank =
        Bank.builder()
            .member("a", first::engine)
            .member("b", odd::engine)
            .gate(Signal.always(-7, 2), Picking.top(1))
            .build()) {
      Answer answer = bank.answer(item(4)).join();
      float[] exact = {-0f, 1e-45f, 1 / 3f};
      for (int i = 0; i < 3; i++) {
        assertEquals(
            Float.floatToRawIntBits(exact[i]), Float.floatToRawIntBits(answer.logits(0).get(i)));
      }
    }
    assertEquals(0, first.asked.get());
  }

  /** Rules Q16, R8. */
  @Test
  void tiesGoToTheLowerIndex() {
    try (Bank bank = three().gate(Signal.always(-1, -0f, 0), Picking.top(1)).build()) {
      assertEquals("b", bank.pick(item(1)).join().best());
    }
  }

  /** Rule Q16. */
  @Test
  void aVoteThatIsNotFiniteFailsTheItemInWords() {
    Signal signal = Signal.of(Told.always("gate", 0, Float.NaN, 1).engine());
    try (Bank bank = three().gate(signal, Picking.top(1)).build()) {
      String text = failure(bank.answer(item(7))).getMessage();
      assertEquals(
          "item \"item7\": signal of the bank: vote.logits NaN of \"b\" is not finite (rule Q16)",
          text);
    }
    assertEquals(0, opened.get());
  }

  @Test
  void votesOfAnotherLengthAreRefused() {
    try (Bank bank = three().gate(Signal.always(1, 2), Picking.top(1)).build()) {
      String text = failure(bank.pick(item(7))).getMessage();
      assertTrue(text.endsWith("vote.logits has 2 numbers for 3 members"), text);
    }
    Signal two = Signal.of(Told.always("gate", 0, 1).engine());
    assertMessage(
        "signal.logits 2 is not the number of members, 3",
        () -> three().gate(two, Picking.top(1)).build());
    two.close();
  }

  /** Rule Q17. */
  @Test
  void aMemberThatIsNeverPickedIsNeverOpened() {
    try (Bank bank = three().gate(item -> votes(item), Picking.top(1)).build()) {
      for (int member : new int[] {0, 1, 0, 0, 1}) {
        bank.answer(item(member)).join();
      }
      assertEquals(2, opened.get());
      bank.pick(item(2)).join();
      assertEquals(2, opened.get());
    }
    assertTrue(first.closed && second.closed);
    assertFalse(third.closed, "nobody opened it");
    assertEquals(
        List.of(3, 2, 0), List.of(first.asked.get(), second.asked.get(), third.asked.get()));
  }

  private static CompletableFuture<Vote> votes(Item item) {
    float[] logits = new float[3];
    logits[item.event().token(0)] = 1;
    return CompletableFuture.completedFuture(Vote.of(logits));
  }

  /** Rule Q17. */
  @Test
  void aMemberIsOpenedOnceByManyThreads() throws Exception {
    try (Bank bank = three().gate(Signal.always(0, 1, 0), Picking.top(2)).build()) {
      List<CompletableFuture<Answer>> answers = new ArrayList<>();
      List<Thread> threads = new ArrayList<>();
      for (int t = 0; t < 8; t++) {
        Thread thread =
            new Thread(
                () -> {
                  for (int i = 0; i < 20; i++) {
                    CompletableFuture<Answer> answer = bank.answer(item(i));
                    synchronized (answers) {
                      answers.add(answer);
                    }
                  }
                });
        threads.add(thread);
        thread.start();
      }
      for (Thread thread : threads) {
        thread.join();
      }
      answers.forEach(CompletableFuture::join);
      assertEquals(160, answers.size());
      assertEquals(2, opened.get());
      assertEquals(160, second.asked.get());
    }
  }

  /** Rule Q17: the cost is what the models took, and what voting took. */
  @Test
  void theCostIsTheSumOfItsParts() {
    Signal dear = item -> CompletableFuture.completedFuture(new Vote(List.of(2f, 1f, 0f), "v", 7));
    try (Bank bank = three().gate(dear, Picking.top(2)).build()) {
      Answer answer = bank.answer(item(1)).join();
      long flops = answer.inferences().stream().mapToLong(said -> said.flops()).sum();
      assertTrue(flops > 0);
      assertEquals(7 + flops, answer.cost());
    }
  }

  /** Rule Q17: what was chosen once is chosen again without asking anybody. */
  @Test
  void aChoiceCanBeKept() {
    AtomicInteger asked = new AtomicInteger();
    Signal signal =
        item -> {
          asked.incrementAndGet();
          return votes(item);
        };
    try (Bank bank = three().gate(signal, Picking.top(2)).build()) {
      Answer answer = bank.answer(item(1)).join();
      Answer again = bank.answer(item(1), answer.choice()).join();
      assertEquals(1, asked.get());
      assertArrayEquals(numbers(answer.logits(0)), numbers(again.logits(0)));
      Choice other = new Choice(List.of(new Choice.Share("d", 1)), Vote.of());
      assertMessage("member \"d\" is none of [a, b, c]", () -> bank.answer(item(1), other));
      assertMessage(
          "choice.shares is empty", () -> bank.answer(item(1), new Choice(List.of(), Vote.of())));
    }
  }

  @Test
  void anEngineOfAMemberIsThatWhichAnswers() {
    try (Bank bank = three().gate(Signal.always(1, 0, 0), Picking.top(1)).build()) {
      bank.engine("a").join().swap("later", Told.always("first", 5, 5), first.engine().policy());
      Answer answer = bank.answer(item(1)).join();
      assertEquals("later", answer.inferences().get(0).version());
      assertEquals(5, answer.logits(0).get(0));
      assertEquals(1, opened.get());
    }
  }

  @Test
  void answersThatHaveNoSumAreRefused() {
    Told wide = Told.always("wide", 1, 2, 3);
    Told rows = new Told("rows", 2, Head.Pool.EACH, tokens -> new float[2]);
    for (Told other : List.of(wide, rows)) {
      try (Bank bank =
          Bank.builder()
              .member("a", first::engine)
              .member("b", other::engine)
              .gate(Signal.always(0, 0), Picking.top(2))
              .build()) {
        String text = failure(bank.answer(item(1, 2))).getMessage();
        assertTrue(text.contains("answers of 1 x 2 and "), text);
      }
    }
  }

  /** Rule Q16: a threshold may pick nobody. */
  @Test
  void nobodyPickedIsAFailure() {
    try (Bank bank = three().gate(Signal.always(-1, 0, -2), Picking.above(0.5)).build()) {
      assertEquals(List.of(), bank.pick(item(1)).join().shares());
      String text = failure(bank.answer(item(1))).getMessage();
      assertTrue(text.endsWith("signal of the bank: it picked none of [a, b, c]"), text);
    }
  }

  @Test
  void banksThatCannotExistAreRefused() {
    assertMessage("bank.members 0 is below 1", () -> Bank.builder().build());
    assertMessage("bank.gate is missing for [a, b, c]", () -> three().build());
    assertMessage("member.name \"a\" is used twice", () -> three().member("a", first::engine));
    assertMessage("bank.items 0 is below 1", () -> three().items(0));
    assertMessage(
        "router.k 4 is not in 1..3",
        () -> three().gate(Signal.always(0, 0, 0), Picking.top(4)).build());
    Selection drawn = new Selection.TopK(2, new Selection.Secondary(0.5, 1L));
    assertThrows(DescriptionException.class, () -> new Picking(Score.SOFTMAX, drawn, Gate.score()));
    Engine rows = new Told("rows", 2, Head.Pool.EACH, tokens -> new float[2]).engine();
    assertMessage("head.pool EACH of signal \"rows\" gives no item a vote", () -> Signal.of(rows));
    rows.close();
  }

  private static void assertMessage(String expected, Runnable body) {
    assertEquals(expected, assertThrows(DescriptionException.class, body::run).getMessage());
  }

  private static ExecutionException failure(CompletableFuture<?> future) {
    CompletionException thrown = assertThrows(CompletionException.class, future::join);
    return (ExecutionException) thrown.getCause();
  }
}
