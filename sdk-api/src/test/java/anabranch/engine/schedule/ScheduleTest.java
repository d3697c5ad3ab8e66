package anabranch.engine.schedule;

import static anabranch.Refusals.assertRefused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.engine.schedule.Simulation.Traffic;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Costs of 2000 and 50 a row are like those of an accelerator, 200 and 500 like a processor's. */
class ScheduleTest {
  private static final Limits LIMITS = Limits.of(32, 128, 4, 0);

  /** Fills that hold more than 20 of them do run alone. */
  private static final Limits FEW_FILLS =
      new Limits(32, 128, Long.MAX_VALUE, 20 * Simulation.FILL_BYTES, 4, 0);

  private static Traffic accelerator(int items, double load, double leaves) {
    return new Traffic(items, load, leaves, 0, 2000, 50);
  }

  /**
   * Q1, Q2, Q3, Q4, Q10: work, decisions, order and bounds hold at every step of a hundred thousand
   * items.
   */
  @Test
  void rulesHoldAtEveryStepOfLongTraces() {
    for (Mode mode : Mode.values()) {
      for (double leaves : new double[] {0, 0.4, 0.7, 1}) {
        for (double load : new double[] {0.5, 1.5}) {
          Traffic traffic = new Traffic(6500, load, leaves, 0.01, 2000, 50);
          Simulation.of(mode, LIMITS, traffic, 7).run();
          Traffic filled = new Traffic(6500, load, leaves, 0.01, 0.5, 2000, 50);
          Simulation.of(mode, FEW_FILLS, filled, 7).run();
        }
      }
    }
    Simulation.of(Mode.ADAPTIVE, Limits.of(32, 128, 4, 3000), accelerator(9, 0.1, 0.5), 3).run();
    Simulation.of(Mode.ADAPTIVE, Limits.of(1, 1, 2, 0), accelerator(500, 2, 0.5), 3).run();
  }

  /** Q5. */
  @Test
  void equalTracesGiveEqualLogs() {
    Traffic traffic = new Traffic(3000, 1.2, 0.4, 0.05, 2000, 50);
    List<String> log = Simulation.of(Mode.ADAPTIVE, LIMITS, traffic, 5).run().log();
    assertEquals(log, Simulation.of(Mode.ADAPTIVE, LIMITS, traffic, 5).run().log());
  }

  /** Q6: the patience, and the batches that may run between, all of the longest kind. */
  @Test
  void nothingWaitsBehindAStepForLong() {
    for (double load : new double[] {0.7, 1.3, 4}) {
      Traffic traffic = accelerator(20_000, load, 0.6);
      long wait = Simulation.of(Mode.ADAPTIVE, LIMITS, traffic, 2).run().longestWait();
      double batch = traffic.cost(32);
      double bound = 4 * batch + batch * (2 + Math.ceil((128 + 32) / 32.0) + Simulation.STEPS);
      assertTrue(wait <= bound, wait + " above " + bound + " at load " + load);
    }
  }

  /**
   * Q5, Q6: one item stays for all steps while everybody else leaves at once and more keep coming.
   */
  @Test
  void aSingleSurvivorIsNotStarved() {
    Costs costs = new Costs(2, 0.25);
    for (int i = 0; i < 3; i++) {
      costs.took(0, 1, 2050);
      costs.took(0, 32, 3600);
      costs.took(1, 1, 2050);
      costs.took(1, 32, 3600);
    }
    Schedule<String> schedule = new Schedule<>(2, Mode.ADAPTIVE, LIMITS, costs);
    schedule.arrive(0, "deep", 1, 0);
    Schedule.Batch<String> first = schedule.next(0);
    schedule.done(first);
    schedule.goOn(1, "deep", 1, first.arrivals().get(0), 0);
    long now = 0;
    int batches = 0;
    while (true) {
      for (int i = 0; i < 64; i++) {
        schedule.arrive(0, "shallow", 1, now);
      }
      Schedule.Batch<String> next = schedule.next(now);
      schedule.done(next);
      if (next.step() == 1) {
        break;
      }
      batches++;
      now += 3600;
    }
    assertEquals(4, batches, "efficient batches before the one that waited 4 of the longest");
  }

  /** Saturated, merging pays where a batch costs much whatever its rows, and never costs. */
  @Test
  void mergingPaysWhereBatchesHaveFixedCosts() {
    for (double leaves : new double[] {0.4, 0.7}) {
      Traffic dear = accelerator(20_000, 5, leaves);
      double compact = Simulation.of(Mode.COMPACT, LIMITS, dear, 4).run().throughput();
      double adaptive = Simulation.of(Mode.ADAPTIVE, LIMITS, dear, 4).run().throughput();
      assertTrue(adaptive >= 1.3 * compact, adaptive + " against " + compact);
      Traffic plain = new Traffic(20_000, 5, leaves, 0, 200, 500);
      compact = Simulation.of(Mode.COMPACT, LIMITS, plain, 4).run().throughput();
      adaptive = Simulation.of(Mode.ADAPTIVE, LIMITS, plain, 4).run().throughput();
      assertTrue(adaptive >= 0.99 * compact, adaptive + " against " + compact);
    }
  }

  @Test
  void mergingCostsLittleLatencyBelowSaturation() {
    for (double load : new double[] {0.5, 0.7, 0.9}) {
      Traffic traffic = accelerator(20_000, load, 0.4);
      long compact = Simulation.of(Mode.COMPACT, LIMITS, traffic, 6).run().latency(0.99);
      long adaptive = Simulation.of(Mode.ADAPTIVE, LIMITS, traffic, 6).run().latency(0.99);
      double allowed = 1.1 * compact + traffic.cost(32);
      assertTrue(adaptive <= allowed, adaptive + " above " + allowed + " at load " + load);
    }
  }

  @Test
  void theFirstWaitsForCompanyAndNoLonger() {
    Schedule<String> schedule =
        new Schedule<>(2, Mode.COMPACT, Limits.of(4, 8, 4, 100), new Costs(2, 0.25));
    assertEquals(Long.MAX_VALUE, schedule.wakeAt());
    schedule.arrive(0, "a", 1, 10);
    assertNull(schedule.next(109));
    assertEquals(110, schedule.wakeAt());
    assertEquals(List.of("a"), schedule.next(110).items());
    schedule.arrive(0, "b", 4, 120);
    assertEquals(List.of("b"), schedule.next(120).items(), "full batches do not wait");
    schedule.arrive(0, "c", 1, 130);
    schedule.hurry();
    assertEquals(List.of("c"), schedule.next(130).items(), "nothing waits at the end");
  }

  /** Q7: the item that came first waits before step 1, and yet step 2 is taken. */
  @Test
  void whileCostsAreUnknownTheDeepestGoOn() {
    for (Mode mode : Mode.values()) {
      Schedule<String> schedule =
          new Schedule<>(3, mode, Limits.of(1, 8, 4, 0), new Costs(3, 0.25));
      schedule.arrive(0, "first", 1, 0);
      schedule.arrive(0, "second", 1, 0);
      schedule.done(schedule.next(0));
      schedule.done(schedule.next(0));
      schedule.goOn(1, "first", 1, 0, 0);
      schedule.goOn(2, "second", 1, 1, 0);
      assertEquals(List.of("second"), schedule.next(9).items(), mode.toString());
    }
  }

  /** Q8. */
  @Test
  void whatIsRemovedIsNotCounted() {
    Schedule<String> schedule =
        new Schedule<>(2, Mode.COMPACT, Limits.of(4, 4, 4, 0), new Costs(2, 0.25));
    schedule.arrive(0, "a", 4, 0);
    Schedule.Batch<String> first = schedule.next(0);
    assertEquals(4, schedule.inFlight());
    schedule.done(first);
    schedule.goOn(1, "a", 4, 0, 0);
    schedule.arrive(0, "b", 1, 0);
    assertEquals(List.of("a"), schedule.remove("a"::equals));
    assertEquals(0, schedule.inFlight());
    assertEquals(List.of("b"), schedule.next(0).items());
  }

  /** Q7. */
  @Test
  void costsAreMonotoneAndNeedSomeBatches() {
    Costs costs = new Costs(1, 0.25);
    assertEquals(1, costs.efficientRows(0));
    assertEquals(0, costs.longest());
    for (int i = 0; i < 3; i++) {
      assertEquals(1, costs.efficientRows(0), "fewer than two sizes are known");
      costs.took(0, 1, 1000);
      costs.took(0, 8, 1100);
      costs.took(0, 64, 2000);
    }
    // Each row costs 1000, 138 and 31; with the slack up to 39 is efficient.
    assertEquals(64, costs.efficientRows(0));
    assertEquals(2000, costs.longest());
    for (int i = 0; i < 3; i++) {
      costs.took(0, 32, 900);
    }
    // 32 rows in 900 count as 1100, as 8 rows do: 34 each.
    assertEquals(32, costs.efficientRows(0));
  }

  @Test
  void faultsAreSeen() {
    Traffic traffic = new Traffic(4000, 1.5, 0.5, 0.02, 2000, 50);
    fault("idles", LIMITS, traffic, (schedule, now) -> now % 7 == 3 ? null : schedule.next(now));
    fault(
        "runs the last ones first",
        LIMITS,
        traffic,
        (schedule, now) -> {
          Schedule.Batch<Integer> batch = schedule.next(now);
          if (batch != null) {
            Collections.reverse(batch.items());
          }
          return batch;
        });
    Limits tight = Limits.of(32, 8, 4, 0);
    Limits loose = Limits.of(32, 1 << 20, 4, 0);
    Simulation uncapped = new Simulation(Mode.ADAPTIVE, loose, tight, traffic, 9, Schedule::next);
    assertThrows(AssertionError.class, uncapped::run, "knows no cap");
    fault(
        "counts what was cancelled",
        LIMITS,
        traffic,
        new Simulation.Desk() {
          @Override
          public Schedule.Batch<Integer> next(Schedule<Integer> schedule, long now) {
            return schedule.next(now);
          }

          @Override
          public void cancel(Schedule<Integer> schedule, int item) {}
        });
    fault(
        "lets items leave that are late",
        LIMITS,
        traffic,
        new Simulation.Desk() {
          @Override
          public Schedule.Batch<Integer> next(Schedule<Integer> schedule, long now) {
            return schedule.next(now);
          }

          @Override
          public boolean leaves(boolean policy, long age) {
            return policy || age > 20_000;
          }
        });
    Traffic filled = new Traffic(4000, 1.5, 0.5, 0, 0.5, 2000, 50);
    fault(
        "counts fills as items",
        LIMITS,
        filled,
        new Simulation.Desk() {
          @Override
          public Schedule.Batch<Integer> next(Schedule<Integer> schedule, long now) {
            return schedule.next(now);
          }

          @Override
          public void fill(Schedule<Integer> schedule, int step, int item, long now) {
            schedule.goOn(step, item, 1, item, now);
          }
        });
    Simulation piling = new Simulation(Mode.ADAPTIVE, LIMITS, FEW_FILLS, filled, 9, Schedule::next);
    assertThrows(AssertionError.class, piling::run, "lets fills pile up");
    int[] asked = {0};
    fault(
        "stops with items queued",
        LIMITS,
        traffic,
        (schedule, now) -> asked[0]++ > 50 ? null : schedule.next(now));
  }

  /** With endless patience somebody waits longer than the bound. */
  @Test
  void aBoundThatIsIgnoredIsSeen() {
    Traffic traffic = accelerator(20_000, 4, 0.95);
    Limits endless = Limits.of(32, 128, 1e6, 0);
    long wait = Simulation.of(Mode.ADAPTIVE, endless, traffic, 2).run().longestWait();
    double batch = traffic.cost(32);
    assertTrue(wait > 4 * batch + batch * (2 + 5 + Simulation.STEPS), "waited " + wait);
  }

  /** Q1: company came, or nobody brings any. */
  @Test
  void nothingLingersWhereABatchIsFullOrNobodyComes() {
    Limits patient = Limits.of(2, 128, 4, 1000);
    Schedule<String> schedule = new Schedule<>(1, Mode.ADAPTIVE, patient, new Costs(1, 0.25));
    assertEquals(Long.MAX_VALUE, schedule.wakeAt());
    schedule.arrive(0, "one", 1, 7);
    assertEquals(1007, schedule.wakeAt());
    assertNull(schedule.next(1006));
    schedule.quiet(true);
    assertEquals(7, schedule.wakeAt(), "now");
    schedule.quiet(false);
    assertEquals(1007, schedule.wakeAt(), "somebody talks again");
    schedule.arrive(0, "two", 1, 9);
    assertEquals(7, schedule.wakeAt(), "it is full");
    assertEquals(List.of("one", "two"), schedule.next(9).items());
    schedule.arrive(0, "three", 1, 20);
    schedule.quiet(true);
    assertEquals(List.of("three"), schedule.next(20).items());
  }

  @Test
  void limitsHaveBounds() {
    assertRefused("schedule.batchRows 0 is below 1", () -> Limits.of(0, 1, 2, 0));
    assertRefused("schedule.inFlight 0 is below 1", () -> Limits.of(1, 0, 2, 0));
    assertRefused("schedule.patience 1.5 is not in 2..1e6", () -> Limits.of(1, 1, 1.5, 0));
    assertRefused("schedule.patience NaN is not in 2..1e6", () -> Limits.of(1, 1, Double.NaN, 0));
    assertRefused("schedule.linger -1 is below 0", () -> Limits.of(1, 1, 2, -1));
  }

  private static void fault(String what, Limits given, Traffic traffic, Simulation.Desk desk) {
    Simulation broken = new Simulation(Mode.ADAPTIVE, given, LIMITS, traffic, 9, desk);
    assertThrows(AssertionError.class, broken::run, what);
  }
}
