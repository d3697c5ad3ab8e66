package anabranch.engine.bank;

import static anabranch.engine.bank.Told.item;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.engine.Engine;
import anabranch.engine.Inference;
import anabranch.engine.Item;
import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class BankLifeTest {
  private final Told first = Told.always("first", 1, 2);
  private final Told second = Told.always("second", 3, 4);
  private final CountDownLatch go = new CountDownLatch(1);

  private Bank.Builder two() {
    return Bank.builder()
        .member("a", first::engine)
        .member("b", second::engine)
        .gate(Signal.always(0, 0), Picking.top(2));
  }

  private void await() {
    try {
      assertTrue(go.await(20, TimeUnit.SECONDS));
    } catch (InterruptedException stop) {
      throw new AssertionError(stop);
    }
  }

  /** Rule Q19: the member before has its item in a queue when the one behind fails. */
  @Test
  void aFailureNamesTheMemberAndCancelsTheOthers() {
    first.before = this::await;
    Told broken =
        new Told(
            "second",
            2,
            tokens -> {
              throw new IllegalArgumentException("no weights");
            });
    try (Bank bank =
        Bank.builder()
            .member("a", first::engine)
            .member("b", broken::engine)
            .gate(Signal.always(0, 0), Picking.top(2))
            .build()) {
      Engine busy = bank.engine("a").join();
      CompletableFuture<Inference> before = busy.submit(item(9));
      while (first.asked.get() == 0) {
        Thread.onSpinWait();
      }
      CompletableFuture<Answer> answer = bank.answer(item(1));
      Throwable failure = assertThrows(CompletionException.class, answer::join).getCause();
      String text = String.valueOf(failure.getMessage());
      assertTrue(text.startsWith("item \"item1\": member \"b\": "), text);
      assertTrue(text.contains("no weights"), text);
      CompletableFuture<Inference> behind = busy.submit(item(2));
      go.countDown();
      before.join();
      behind.join();
      assertEquals(2, first.asked.get());
    }
  }

  /** Rule Q17: what cannot be opened is not tried again. */
  @Test
  void aMemberThatCannotBeOpenedFailsAllWhoPickIt() {
    AtomicInteger tried = new AtomicInteger();
    try (Bank bank =
        Bank.builder()
            .member(
                "a",
                () -> {
                  tried.incrementAndGet();
                  throw new IllegalStateException("no file");
                })
            .build()) {
      for (int i = 0; i < 2; i++) {
        CompletableFuture<Answer> answer = bank.answer(item(1));
        Throwable failure = assertThrows(CompletionException.class, answer::join).getCause();
        assertEquals("item \"item1\": member \"a\": no file", failure.getMessage());
      }
      assertEquals(1, tried.get());
    }
  }

  /** Rule Q19: a branch that is called, a signal that is asked, and members that run or open. */
  @Test
  void cancellingAnAnswerCancelsItsParts() throws Exception {
    CompletableFuture<Item> call = new CompletableFuture<>();
    try (Bank bank =
        two().branch(new Branch("search", Signal.always(1), 0.5, 1, item -> call)).build()) {
      bank.answer(item(1)).cancel(true);
      assertTrue(call.isCancelled());
    }
    CompletableFuture<Vote> vote = new CompletableFuture<>();
    try (Bank bank = two().gate(item -> vote, Picking.top(1)).build()) {
      CompletableFuture<Choice> choice = bank.pick(item(1)).orTimeout(1, TimeUnit.MILLISECONDS);
      assertThrows(CompletionException.class, choice::join);
      assertTrue(vote.isCancelled());
    }
    assertEquals(0, first.asked.get() + second.asked.get());
    first.before = this::await;
    try (Bank bank = two().build()) {
      bank.engine("a").join();
      CompletableFuture<Answer> runs = bank.answer(item(1));
      while (first.asked.get() == 0) {
        Thread.onSpinWait();
      }
      CompletableFuture<Answer> waits = bank.answer(item(2));
      waits.cancel(false);
      go.countDown();
      assertEquals(2, runs.join().inferences().size());
      bank.answer(item(3)).join();
      assertEquals(2, first.asked.get(), "the item that was cancelled left the member's queue");
      assertThrows(CancellationException.class, waits::join);
    }
  }

  /** Rule Q19: a part that begins while somebody cancels is cancelled, too. */
  @Test
  void aPartThatBeginsTooLateIsCancelled() {
    CompletableFuture<Vote> vote = new CompletableFuture<>();
    CompletableFuture<Item> call = new CompletableFuture<>();
    AtomicReference<CompletableFuture<Answer>> answer = new AtomicReference<>();
    Branch branch =
        new Branch(
            "search",
            item -> vote,
            0.5,
            1,
            item -> {
              answer.get().cancel(false);
              return call;
            });
    try (Bank bank = two().branch(branch).build()) {
      answer.set(bank.answer(item(1)));
      vote.complete(Vote.of(1));
      assertTrue(call.isCancelled());
    }
  }

  /** Rule Q19: what the model of a signal computes is let go of, too. */
  @Test
  void cancellingAnAnswerCancelsTheVoteOfAModel() {
    Told gate = Told.always("gate", 1, 0);
    gate.before = this::await;
    try (Bank bank = two().gate(Signal.of(gate.engine()), Picking.top(1)).build()) {
      CompletableFuture<Choice> runs = bank.pick(item(1));
      while (gate.asked.get() == 0) {
        Thread.onSpinWait();
      }
      bank.pick(item(2)).cancel(false);
      go.countDown();
      runs.join();
      bank.pick(item(3)).join();
      assertEquals(2, gate.asked.get());
    }
    assertTrue(gate.closed);
  }

  /** Rule Q19. */
  @Test
  void whoBringsOneMoreThanAllowedWaits() throws Exception {
    CompletableFuture<Vote> vote = new CompletableFuture<>();
    try (Bank bank = two().gate(item -> vote.copy(), Picking.top(1)).items(2).build()) {
      CompletableFuture<Answer> one = bank.answer(item(1));
      CompletableFuture<Choice> other = bank.pick(item(2));
      AtomicReference<CompletableFuture<Answer>> more = new AtomicReference<>();
      Thread late = new Thread(() -> more.set(bank.answer(item(3))));
      late.start();
      while (late.getState() != Thread.State.WAITING) {
        Thread.onSpinWait();
      }
      other.cancel(false);
      late.join();
      assertFalse(more.get().isDone());
      vote.complete(Vote.of(1, 0));
      one.join();
      more.get().join();
    }
  }

  /** Rule Q19: a bank that a thread of its own closes is closed behind what it accepted. */
  @Test
  void aBankCanBeClosedByWhoContinues() {
    CompletableFuture<Vote> vote = new CompletableFuture<>();
    Bank bank = two().gate(item -> vote.copy(), Picking.top(1)).build();
    CompletableFuture<Answer> other = bank.answer(item(2));
    CompletableFuture<Choice> one = bank.pick(item(1));
    one.whenComplete((choice, cancelled) -> bank.close());
    one.cancel(false);
    assertFalse(other.isDone());
    vote.complete(Vote.of(1, 0));
    other.join();
    while (!first.closed) {
      Thread.onSpinWait();
    }
  }

  /** Rule Q19: whoever continues finds the room that its own item left. */
  @Test
  void anAnswerCanBringTheNextItem() {
    try (Bank bank = two().items(1).build()) {
      CompletableFuture<Answer> third =
          bank.answer(item(1))
              .thenCompose(one -> bank.answer(item(2)))
              .thenCompose(two -> bank.answer(item(3)));
      assertEquals("item3", third.join().item().id());
    }
  }

  /** Rule Q19: a thread that the bank needs does not wait for it. */
  @Test
  void aPartCannotWaitForRoomInItsOwnBank() {
    AtomicReference<Bank> bank = new AtomicReference<>();
    Branch branch =
        new Branch(
            "again",
            Signal.always(1),
            0.5,
            1,
            item -> bank.get().answer(item).thenApply(Answer::item));
    try (Bank small = two().branch(branch).items(1).build()) {
      bank.set(small);
      Throwable failure =
          assertThrows(CompletionException.class, small.answer(item(1))::join).getCause();
      assertTrue(
          failure
              .getMessage()
              .endsWith(
                  "branch \"again\": the bank has accepted 1 items, and this thread runs for one of them"),
          failure::toString);
    }
  }

  /** Rule Q19. */
  @Test
  void aClosedBankAnswersWhatItAcceptedAndRefusesTheRest() throws Exception {
    CompletableFuture<Vote> vote = new CompletableFuture<>();
    Bank bank = two().gate(item -> vote, Picking.top(2)).build();
    CompletableFuture<Answer> accepted = bank.answer(item(1));
    Thread closing = new Thread(bank::close);
    closing.start();
    while (closing.getState() != Thread.State.TIMED_WAITING) {
      Thread.onSpinWait();
    }
    assertThrows(IllegalStateException.class, () -> bank.answer(item(2)));
    assertThrows(IllegalStateException.class, () -> bank.pick(item(2)));
    vote.complete(Vote.of(0, 0));
    assertEquals(2, accepted.join().inferences().size());
    closing.join();
    bank.close();
    assertTrue(first.closed && second.closed);
    assertTrue(bank.engine("a").isCompletedExceptionally());
  }

  /** Rule Q19. */
  @Test
  void aClosedBankFailsWhatItCannotAnswerInTime() {
    CompletableFuture<Vote> never = new CompletableFuture<>();
    AtomicInteger closed = new AtomicInteger();
    Signal signal =
        new Signal() {
          @Override
          public CompletableFuture<Vote> ask(Item item) {
            return never;
          }

          @Override
          public void close() {
            closed.incrementAndGet();
            throw new IllegalStateException("cannot be closed");
          }
        };
    Bank bank = two().gate(signal, Picking.top(2)).closeWithin(Duration.ofMillis(20)).build();
    bank.engine("a").join();
    CompletableFuture<Answer> accepted = bank.answer(item(1));
    assertThrows(IllegalStateException.class, bank::close);
    Throwable failure = assertThrows(CompletionException.class, accepted::join).getCause();
    assertInstanceOf(IllegalStateException.class, failure);
    assertTrue(never.isCancelled());
    assertEquals(1, closed.get());
    assertTrue(first.closed, "whatever fails, members are closed");
    assertEquals(
        "something of the bank could not be closed",
        assertThrows(IllegalStateException.class, bank::close).getMessage());
  }

  /** Rule Q17: a member that is still opening when the bank is gone is closed behind that. */
  @Test
  void aMemberThatOpensTooLateIsClosed() throws Exception {
    CountDownLatch opens = new CountDownLatch(1);
    Bank bank =
        Bank.builder()
            .member(
                "a",
                () -> {
                  opens.countDown();
                  await();
                  return first.engine();
                })
            .build();
    CompletableFuture<Answer> answer = bank.answer(item(1));
    assertTrue(opens.await(20, TimeUnit.SECONDS));
    answer.cancel(false);
    bank.close();
    go.countDown();
    while (!first.closed) {
      Thread.onSpinWait();
    }
    assertEquals(0, first.asked.get());
  }
}
