package anabranch.flink.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.Event;
import anabranch.engine.EngineOptions;
import anabranch.engine.Item;
import anabranch.flink.Script;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.flink.util.FlinkException;
import org.apache.flink.util.InstantiationUtil;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class EngineLeaseTest {
  private static final ClassLoader HERE = EngineLeaseTest.class.getClassLoader();

  private final Script script = new Script();

  @AfterEach
  void noEngineIsLeft() {
    assertEquals(0, SharedEngine.open());
    assertEquals(0, script.openModels.get());
  }

  @Test
  void holdersWhoComeTogetherLoadOnceAndShare() throws Exception {
    CountDownLatch all = new CountDownLatch(8);
    script.duringLoad = () -> await(all);
    List<EngineLease> leases = new ArrayList<>();
    for (Future<EngineLease> taken : together(all, 8)) {
      leases.add(taken.get(10, TimeUnit.SECONDS));
    }
    assertEquals(1, script.loads.get());
    for (EngineLease lease : leases) {
      assertSame(leases.get(0).engine(), lease.engine());
    }
    for (int i = 1; i < leases.size(); i++) {
      leases.get(i).close();
      leases.get(i).close();
    }
    assertEquals(1, script.openModels.get(), "open while somebody holds it");
    assertEquals(5, sum(leases.get(0), 2, 3));
    leases.get(0).close();
    assertEquals(0, script.openModels.get());
  }

  @Test
  void aFailedLoadIsReportedToEachAndNotKept() throws Exception {
    script.loadFailure = new IllegalStateException("disk on fire");
    CountDownLatch all = new CountDownLatch(4);
    script.duringLoad = () -> await(all);
    for (Future<EngineLease> taken : together(all, 4)) {
      ExecutionException thrown =
          assertThrows(ExecutionException.class, () -> taken.get(10, TimeUnit.SECONDS));
      assertTrue(thrown.getCause() instanceof FlinkException);
      assertTrue(thrown.getMessage().contains("disk on fire"), thrown.getMessage());
    }
    assertEquals(1, script.loads.get());
    script.loadFailure = null;
    try (EngineLease lease = EngineLease.take(script.recipe(), HERE)) {
      assertEquals(2, script.loads.get());
      assertEquals(1, sum(lease, 1));
    }
  }

  @Test
  void otherOptionsAreAnotherEngine() throws Exception {
    try (EngineLease one = EngineLease.take(script.recipe(), HERE);
        EngineLease same = EngineLease.take(InstantiationUtil.clone(script.recipe()), HERE);
        EngineLease other =
            EngineLease.take(script.recipe(EngineOptions.defaults().withLanes(2)), HERE)) {
      assertSame(one.engine(), same.engine());
      assertNotSame(one.engine(), other.engine());
      assertEquals(2, script.loads.get());
    }
  }

  @Test
  void anAbandonedEngineServesItsHoldersAndNobodyElse() throws Exception {
    try (EngineLease one = EngineLease.take(script.recipe(), HERE)) {
      one.abandon();
      try (EngineLease two = EngineLease.take(script.recipe(), HERE)) {
        assertNotSame(one.engine(), two.engine());
        one.close();
        assertEquals(2, sum(two, 2));
        try (EngineLease three = EngineLease.take(script.recipe(), HERE)) {
          assertSame(two.engine(), three.engine());
        }
      }
    }
  }

  @Test
  void leasesOfAClassLoaderAreClosedWithIt() throws Exception {
    ClassLoader job = new ClassLoader(HERE) {};
    EngineLease forgotten = EngineLease.take(script.recipe(), job);
    try (EngineLease kept = EngineLease.take(script.recipe(), HERE)) {
      EngineLease.closeAll(job);
      assertEquals(3, sum(kept, 3));
      forgotten.close();
      assertEquals(4, sum(kept, 4));
    }
  }

  private List<Future<EngineLease>> together(CountDownLatch all, int count) {
    ExecutorService threads = Executors.newFixedThreadPool(count);
    List<Future<EngineLease>> taken = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Callable<EngineLease> take =
          () -> {
            all.countDown();
            return EngineLease.take(InstantiationUtil.clone(script.recipe()), HERE);
          };
      taken.add(threads.submit(take));
    }
    threads.shutdown();
    return taken;
  }

  private static float sum(EngineLease lease, int... tokens) {
    return lease.engine().infer(Item.of("sum", Event.ofTokens(tokens))).logits(0).get(0);
  }

  /** Waits for all to have come, and a little for them to queue up. */
  private static void await(CountDownLatch all) {
    try {
      all.await();
      Thread.sleep(100);
    } catch (InterruptedException stop) {
      throw new IllegalStateException(stop);
    }
  }
}
