package anabranch.engine.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.Trace;
import anabranch.engine.EngineListener.Batch;
import anabranch.engine.EngineListener.Outcome;
import anabranch.engine.Scripts;
import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.BitSet;
import org.junit.jupiter.api.Test;

class AllocationTest {
  private static final int ROWS = 100_000;
  private static final int TIMES = 100;
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  /** M1: neither for rows nor for batches, once each place was visited. */
  @Test
  void aBatchOfManyRowsAllocatesWhatABatchOfOneDoes() {
    Batch one = Batches.own(1, Trace.none(), new BitSet());
    Batch many = Batches.own(ROWS, Trace.none(), new BitSet());
    equalBytes(metrics(false), one, many);
  }

  /** M1: with the experts of each row, and windows that are full. */
  @Test
  void readingTheExpertsOfManyRowsAllocatesWhatThoseOfOneDo() {
    Batch one = Batches.own(1, Batches.picks(1, 3), new BitSet());
    int[] picks = new int[2 * ROWS];
    for (int i = 0; i < picks.length; i++) {
      picks[i] = i % 9 - 2;
    }
    BitSet aside = new BitSet();
    aside.set(5, 500);
    Batch many = Batches.own(ROWS, Batches.picks(picks), aside);
    EngineMetrics metrics = metrics(true);
    equalBytes(metrics, one, many);
    assertTrue(metrics.snapshot().models().get(0).layers().get(0).dropped() > ROWS);
  }

  /** M1: an item may be a single row. */
  @Test
  void anItemThatIsOverAllocatesNothing() {
    EngineMetrics metrics = metrics(false);
    Runnable over = () -> metrics.completed("script", "v1", Outcome.ANSWERED, 5, 10, 3_000);
    bytes(over);
    assertEquals(0, bytes(over));
    assertEquals(2 * TIMES, metrics.snapshot().models().get(0).items().answered());
  }

  private static EngineMetrics metrics(boolean trace) {
    EngineMetrics metrics = new EngineMetrics();
    metrics.serves("script", trace ? Batches.mixture() : Scripts.tokenwise(), trace);
    return metrics;
  }

  private static void equalBytes(EngineMetrics metrics, Batch one, Batch many) {
    bytes(() -> metrics.batch(one));
    bytes(() -> metrics.batch(many));
    long few = bytes(() -> metrics.batch(one));
    long lots = bytes(() -> metrics.batch(many));
    assertEquals(few, lots);
    assertEquals(0, few);
    Snapshot.Step step = metrics.snapshot().models().get(0).steps().get(0);
    assertEquals(2L * TIMES * (1 + ROWS), step.live());
  }

  /** Returns the bytes that this thread allocates while it does something many times. */
  private static long bytes(Runnable action) {
    assertTrue(THREADS.isThreadAllocatedMemoryEnabled());
    long thread = Thread.currentThread().getId();
    THREADS.getThreadAllocatedBytes(thread);
    long before = THREADS.getThreadAllocatedBytes(thread);
    for (int i = 0; i < TIMES; i++) {
      action.run();
    }
    return THREADS.getThreadAllocatedBytes(thread) - before;
  }
}
