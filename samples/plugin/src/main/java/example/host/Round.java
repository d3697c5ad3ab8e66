package example.host;

import java.lang.ref.WeakReference;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.DoubleAdder;
import java.util.concurrent.atomic.LongAdder;

/**
 * One life of two scorers beside each other: each loads a plugin, scores lines on two threads, gets
 * another plugin while it scores, and is closed. Confined to the thread that runs it.
 */
final class Round {
  private static final int THREADS = 2;
  private static final int MILLIS_BETWEEN_LINES = 20;
  private static final int SCORED_BEFORE_GOING_ON = 5;

  final LongAdder asked = new LongAdder();
  final LongAdder scored = new LongAdder();
  final DoubleAdder bitsPerByte = new DoubleAdder();
  final List<WeakReference<ClassLoader>> loaders = new ArrayList<>();
  long byFirst;
  long bySecond;

  private final Path first;
  private final Path second;
  private final ClassLoader shared;
  private final List<String> lines;
  private final AtomicBoolean done = new AtomicBoolean();

  Round(Path first, Path second, ClassLoader shared, List<String> lines) {
    this.first = first;
    this.second = second;
    this.shared = shared;
    this.lines = lines;
  }

  /** Runs the round; fails if a line could not be scored. */
  void run() throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(2 * THREADS);
    try (Plugin left = open(first);
        Plugin right = open(first);
        Scorer leftScorer = new Scorer(left);
        Scorer rightScorer = new Scorer(right)) {
      List<Future<?>> work = new ArrayList<>();
      for (int i = 0; i < THREADS; i++) {
        work.add(threads.submit(() -> score(leftScorer)));
        work.add(threads.submit(() -> score(rightScorer)));
      }
      Plugin nextLeft = replace(leftScorer, left, work);
      Plugin nextRight = replace(rightScorer, right, work);
      done.set(true);
      for (Future<?> each : work) {
        each.get();
      }
      byFirst = left.scored() + right.scored();
      bySecond = nextLeft.scored() + nextRight.scored();
    } finally {
      done.set(true);
      threads.shutdown();
      threads.awaitTermination(1, TimeUnit.MINUTES);
    }
  }

  private Plugin replace(Scorer scorer, Plugin old, List<Future<?>> work) throws Exception {
    awaitLines(old, work);
    Plugin next = open(second);
    scorer.replace(next);
    awaitLines(next, work);
    return next;
  }

  private Void score(Scorer scorer) throws InterruptedException {
    do {
      for (String line : lines) {
        Thread.sleep(MILLIS_BETWEEN_LINES);
        asked.increment();
        bitsPerByte.add(scorer.apply(line).bitsPerByte());
        scored.increment();
      }
    } while (!done.get());
    return null;
  }

  private Plugin open(Path folder) throws Exception {
    Plugin plugin = Plugin.open(folder, shared);
    loaders.add(plugin.loader());
    return plugin;
  }

  private static void awaitLines(Plugin plugin, List<Future<?>> work) throws Exception {
    while (plugin.scored() < SCORED_BEFORE_GOING_ON) {
      for (Future<?> each : work) {
        if (each.isDone()) {
          each.get();
        }
      }
      Thread.sleep(1);
    }
  }
}
