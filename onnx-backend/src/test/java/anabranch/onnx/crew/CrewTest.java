package anabranch.onnx.crew;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.function.BooleanSupplier;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class CrewTest {
  private static final long MOST_NANOS = 20_000_000_000L;

  private final List<Thread> made = Collections.synchronizedList(new ArrayList<>());
  private final List<Crew> hired = new ArrayList<>();

  private Crew hired(int threads) {
    Crew crew = new Crew(threads, this::thread);
    crew.hire();
    hired.add(crew);
    return crew;
  }

  private Thread thread(Runnable task) {
    Thread thread = new Thread(task);
    thread.setDaemon(true);
    made.add(thread);
    return thread;
  }

  @AfterEach
  void everyThreadEnds() throws InterruptedException {
    hired.forEach(Crew::dismiss);
    for (Thread thread : made) {
      thread.join(MOST_NANOS / 1_000_000);
      assertFalse(thread.isAlive());
    }
  }

  @Test
  void everyPartRunsOnce() {
    for (int threads = 1; threads <= 4; threads++) {
      Crew crew = hired(threads);
      for (int parts : new int[] {0, 1, 2, 3, 100}) {
        AtomicIntegerArray ran = new AtomicIntegerArray(parts);
        crew.run(parts, ran::incrementAndGet);
        for (int part = 0; part < parts; part++) {
          assertEquals(1, ran.get(part));
        }
      }
    }
  }

  @Test
  void aCrewOfOneMakesNoThreadAndRunsInOrder() {
    List<Integer> order = new ArrayList<>();
    hired(1).run(5, order::add);
    assertEquals(IntStream.range(0, 5).boxed().toList(), order);
    assertEquals(List.of(), made);
  }

  @Test
  void twoPartsRunAtTheSameTime() {
    Crew crew = hired(2);
    Thread[] by = new Thread[2];
    together(crew, part -> by[part] = Thread.currentThread());
    assertNotSame(by[0], by[1]);
  }

  /** Runs two parts, each on a thread of its own. */
  private static void together(Crew crew, IntConsumer part) {
    CountDownLatch both = new CountDownLatch(2);
    crew.run(
        2,
        i -> {
          both.countDown();
          await(both);
          part.accept(i);
        });
  }

  private static void untilTrue(BooleanSupplier over) {
    long start = System.nanoTime();
    while (!over.getAsBoolean()) {
      if (System.nanoTime() - start > MOST_NANOS) {
        throw new AssertionError("nobody came");
      }
      Thread.onSpinWait();
    }
  }

  /** Waits awake: a thread that sleeps has nothing more to do. */
  private static void await(CountDownLatch latch) {
    untilTrue(() -> latch.getCount() == 0);
  }

  @Test
  void aCallReturnsWhenThePartsOfOthersHaveEnded() {
    Crew crew = hired(2);
    Thread caller = Thread.currentThread();
    AtomicBoolean returned = new AtomicBoolean();
    AtomicBoolean ended = new AtomicBoolean();
    try {
      together(
          crew,
          part -> {
            if (Thread.currentThread() != caller) {
              awaitSleep(caller, returned);
              ended.set(true);
            }
          });
      assertTrue(ended.get());
    } finally {
      returned.set(true);
    }
  }

  private static void awaitSleep(Thread caller, AtomicBoolean returned) {
    untilTrue(() -> caller.getState() == Thread.State.WAITING || returned.get());
  }

  @Test
  void whatAPartThrowsIsThrownWhoeverRanIt() {
    Crew crew = hired(2);
    Thread caller = Thread.currentThread();
    for (Throwable failure : List.of(new IllegalStateException("bad"), new StackOverflowError())) {
      for (boolean own : new boolean[] {true, false}) {
        Throwable thrown =
            assertThrows(
                Throwable.class,
                () ->
                    together(
                        crew,
                        part -> {
                          if ((Thread.currentThread() == caller) == own) {
                            sneak(failure);
                          }
                        }));
        assertSame(failure, thrown);
      }
    }
    everyPartRunsOnce();
  }

  @Test
  void aCheckedExceptionIsNotLostEither() {
    Exception failure = new Exception("checked");
    Crew crew = hired(2);
    assertSame(
        failure,
        assertThrows(IllegalStateException.class, () -> together(crew, part -> sneak(failure)))
            .getCause());
  }

  @SuppressWarnings("unchecked")
  private static <T extends Throwable> void sneak(Throwable failure) throws T {
    throw (T) failure;
  }

  @Test
  void whereAPartThrowsThoseBegunAreWaitedForAndTheOthersLeftOut() {
    Crew crew = hired(2);
    CountDownLatch both = new CountDownLatch(2);
    Thread caller = Thread.currentThread();
    AtomicBoolean returned = new AtomicBoolean();
    AtomicInteger begun = new AtomicInteger();
    AtomicInteger ended = new AtomicInteger();
    IntConsumer part =
        i -> {
          begun.incrementAndGet();
          both.countDown();
          await(both);
          if (Thread.currentThread() == caller) {
            throw new IllegalArgumentException();
          }
          awaitSleep(caller, returned);
          ended.incrementAndGet();
        };
    try {
      assertThrows(IllegalArgumentException.class, () -> crew.run(50, part));
      assertEquals(1, ended.get());
      assertEquals(2, begun.get());
    } finally {
      returned.set(true);
    }
  }

  @Test
  void anInterruptIsNeitherHeededNorLost() {
    Crew crew = hired(2);
    Thread caller = Thread.currentThread();
    AtomicBoolean returned = new AtomicBoolean();
    AtomicInteger ended = new AtomicInteger();
    caller.interrupt();
    try {
      together(
          crew,
          part -> {
            if (Thread.currentThread() != caller) {
              awaitSleep(caller, returned);
              caller.interrupt();
              awaitSleep(caller, returned);
            }
            ended.incrementAndGet();
          });
      assertEquals(2, ended.get());
    } finally {
      returned.set(true);
      assertTrue(Thread.interrupted());
    }
  }

  @Test
  void aThreadThatAPartInterruptedSleepsAndHelpsOn() {
    Crew crew = hired(2);
    together(crew, part -> Thread.currentThread().interrupt());
    assertTrue(Thread.interrupted());
    untilTrue(() -> made.get(0).getState() == Thread.State.WAITING);
    twoPartsRunAtTheSameTime(crew);
  }

  private static void twoPartsRunAtTheSameTime(Crew crew) {
    AtomicInteger ran = new AtomicInteger();
    together(crew, part -> ran.incrementAndGet());
    assertEquals(2, ran.get());
  }

  @Test
  void manyCallersShareThreadsThatDoNotBecomeMore() {
    Crew crew = hired(3);
    List<CompletableFuture<Integer>> callers = new ArrayList<>();
    for (int caller = 0; caller < 6; caller++) {
      CompletableFuture<Integer> sum = new CompletableFuture<>();
      callers.add(sum);
      Thread thread = new Thread(() -> sum.complete(sum(crew)));
      thread.setDaemon(true);
      thread.start();
    }
    callers.forEach(each -> assertEquals(500 * 28, each.join()));
    assertEquals(2, made.size());
  }

  private static int sum(Crew crew) {
    AtomicInteger sum = new AtomicInteger();
    for (int i = 0; i < 500; i++) {
      crew.run(8, sum::addAndGet);
    }
    return sum.get();
  }

  @Test
  void aCallThatComesMeanwhileWaitsForNobody() {
    Crew crew = hired(2);
    CountDownLatch over = new CountDownLatch(1);
    CountDownLatch busy = new CountDownLatch(2);
    Thread first =
        new Thread(
            () ->
                crew.run(
                    3,
                    part -> {
                      busy.countDown();
                      await(over);
                    }));
    first.setDaemon(true);
    first.start();
    await(busy);
    AtomicInteger ran = new AtomicInteger();
    crew.run(4, part -> ran.incrementAndGet());
    over.countDown();
    assertEquals(4, ran.get());
  }

  @Test
  void aPartMayCall() {
    Crew crew = hired(3);
    AtomicInteger ran = new AtomicInteger();
    crew.run(5, part -> crew.run(7, inner -> ran.incrementAndGet()));
    assertEquals(35, ran.get());
  }

  @Test
  void threadsStayUntilTheLastLetsThemGo() throws InterruptedException {
    Crew crew = new Crew(3, this::thread);
    assertEquals(List.of(), made);
    crew.hire();
    crew.hire();
    crew.dismiss();
    assertEquals(2, made.size());
    assertTrue(made.stream().allMatch(Thread::isAlive));
    twoPartsRunAtTheSameTime(crew);
    crew.dismiss();
    everyThreadEnds();
    assertThrows(IllegalStateException.class, crew::dismiss);
    AtomicInteger ran = new AtomicInteger();
    crew.run(4, part -> ran.incrementAndGet());
    assertEquals(4, ran.get());
    crew.hire();
    twoPartsRunAtTheSameTime(crew);
    crew.dismiss();
    assertEquals(4, made.size());
  }

  @Test
  void whereAThreadCannotBeMadeNoneStays() throws InterruptedException {
    AtomicInteger asked = new AtomicInteger();
    Crew crew =
        new Crew(
            3,
            task -> {
              if (asked.incrementAndGet() == 2) {
                throw new OutOfMemoryError("no room for a thread");
              }
              return thread(task);
            });
    assertThrows(OutOfMemoryError.class, crew::hire);
    everyThreadEnds();
    assertEquals(1, made.size());
    crew.hire();
    assertEquals(3, made.size());
    crew.dismiss();
    assertFalse(made.get(0).isAlive());
  }
}
