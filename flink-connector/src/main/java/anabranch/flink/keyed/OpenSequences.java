package anabranch.flink.keyed;

import anabranch.backend.StateImage;
import anabranch.engine.Item;
import anabranch.engine.Sequence;
import anabranch.flink.keyed.state.SequenceHeader;
import anabranch.flink.keyed.state.SequenceStore;
import anabranch.flink.step.Chain;
import anabranch.flink.step.Failures;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.apache.flink.runtime.state.VoidNamespace;
import org.apache.flink.streaming.api.operators.InternalTimerService;
import org.jspecify.annotations.Nullable;

/**
 * The sequences of one subtask that are open, between Flink's state and an engine: those that wait
 * for records stay open until they are too many bytes, and what changed is written when one is
 * evicted or a barrier passes. Confined to the task's thread.
 */
final class OpenSequences<IN> {
  /** What an open sequence counts beside its state. */
  private static final long OVERHEAD = 1024;

  private final SequenceStore store;
  private final SequenceOptions options;
  private final Function<Object, String> ids;
  private final LongSupplier clock;
  private final @Nullable InternalTimerService<VoidNamespace> timers;
  private final SequenceMetrics metrics;
  private final Map<Object, Line<IN>> lines = new HashMap<>();

  /** Least recently used first. */
  private final Chain<Line<IN>> idle = new Chain<>();

  /** An answer comes a moment before the engine says how large the state is. */
  private final Deque<Line<IN>> unmeasured = new ArrayDeque<>();

  private long open;
  private long bytes;

  OpenSequences(
      SequenceStore store,
      SequenceOptions options,
      Function<Object, String> ids,
      LongSupplier clock,
      @Nullable InternalTimerService<VoidNamespace> timers,
      Function<OpenSequences<IN>, SequenceMetrics> metrics) {
    this.store = store;
    this.options = options;
    this.ids = ids;
    this.clock = clock;
    this.timers = timers;
    this.metrics = metrics.apply(this);
  }

  long open() {
    return open;
  }

  long bytes() {
    return bytes;
  }

  SequenceMetrics metrics() {
    return metrics;
  }

  /** Returns the line of a key, which is in use until it {@link #rest}s. */
  Line<IN> line(Object key) {
    return lines.computeIfAbsent(key, missing -> new Line<>(missing, ids.apply(missing)));
  }

  /** Reads what is known of a key whose next record has its turn. */
  void know(Line<IN> line) throws Exception {
    idle.remove(line);
    if (!line.known) {
      store.at(line.key);
      line.header = store.header();
      line.stored = line.header != null;
      line.known = true;
    }
    SequenceHeader header = line.header;
    if (header != null && isExpired(header)) {
      metrics.expired.inc();
      drop(line);
    }
  }

  private boolean isExpired(SequenceHeader header) {
    return options.isExpired(header, clock.getAsLong());
  }

  /**
   * Returns the sequence of a line, open.
   *
   * @param model of the line
   * @param first the first item of the record, which has what an encoder reads
   * @throws IllegalArgumentException if the model cannot go on from its state
   */
  Sequence open(Line<IN> line, HeldModel model, Item first) throws Exception {
    Sequence sequence = line.sequence;
    if (sequence != null) {
      return sequence;
    }
    SequenceHeader header = line.header;
    if (header == null || !header.hasPages()) {
      sequence = model.share.lease().begin(line.id, first.source());
      metrics.begun.inc();
    } else {
      store.at(line.key);
      sequence = model.share.lease().resume(line.id, store.image(header));
      metrics.resumed.inc();
    }
    line.sequence = sequence;
    open++;
    count(line, OVERHEAD + sequence.bytes());
    return sequence;
  }

  private void count(Line<IN> line, long now) {
    bytes += now - line.bytes;
    line.bytes = now;
  }

  /** The sequence of a line took a record. */
  void took(Line<IN> line, Turn<IN> turn) {
    SequenceHeader known = line.header;
    SequenceHeader header = known == null ? fresh(line) : known;
    if (!header.isBegun()) {
      header = header.under(version(line));
    }
    line.header = header.taking(turn.rows(), turn.number, clock.getAsLong());
    line.dirty = true;
    unmeasured.add(line);
    wake(line);
  }

  private static SequenceHeader fresh(Line<?> line) {
    return SequenceHeader.fresh(version(line));
  }

  private static String version(Line<?> line) {
    HeldModel model = line.model;
    return model == null ? "" : model.version();
  }

  /**
   * The sequence of a line refused a record and is what it was: one without rows is not open, and
   * the next record brings what its encoder reads. A number is known, also that of a first record.
   */
  void passed(Line<IN> line, Turn<IN> turn) {
    if (line.length() == 0) {
      close(line);
    }
    if (line.header != null || turn.number != null) {
      SequenceHeader header = line.header == null ? fresh(line) : line.header;
      line.header = header.passing(turn.number, clock.getAsLong());
      line.dirty = true;
      wake(line);
    }
  }

  private void wake(Line<IN> line) {
    SequenceHeader header = line.header;
    if (timers != null && header != null && header.wake() == 0) {
      long due = options.due(header);
      line.header = header.waking(due);
      store.at(line.key);
      timers.registerProcessingTimeTimer(VoidNamespace.INSTANCE, due);
    }
  }

  /** A timer of a key fires. */
  void fired(Object key, long time) throws Exception {
    Line<IN> line = lines.get(key);
    store.at(key);
    SequenceHeader header = line != null && line.known ? line.header : store.header();
    if (header == null || header.wake() != time || timers == null) {
      return;
    }
    if (isExpired(header) && (line == null || line.isIdle())) {
      metrics.expired.inc();
      if (line != null) {
        drop(line);
        forget(line);
      } else {
        store.clear();
      }
      return;
    }
    long next = Math.max(options.due(header), time + 1);
    timers.registerProcessingTimeTimer(VoidNamespace.INSTANCE, next);
    if (line != null && line.known) {
      line.header = header.waking(next);
      line.dirty = true;
    } else {
      store.write(header.waking(next));
    }
  }

  /**
   * The sequence of a line broke: it is closed.
   *
   * @param number of the record that broke it; null where there is none
   * @throws BrokenSequenceException if the task is to fail then
   */
  void broke(Line<IN> line, Throwable reason, @Nullable Long number) throws Exception {
    metrics.broken.inc();
    SequenceHeader header = line.header;
    switch (options.broken()) {
      case FAIL -> throw new BrokenSequenceException("sequence \"" + line.id + "\" broke", reason);
      case RESTART -> drop(line);
      case ASIDE -> {
        close(line);
        clear(line);
        SequenceHeader left = header == null ? fresh(line) : header;
        line.header = left.passing(number, clock.getAsLong()).breaking();
        wake(line);
        line.dirty = true;
      }
    }
  }

  /** Forgets the sequence of a line, in the state too. */
  void drop(Line<IN> line) throws Exception {
    close(line);
    clear(line);
    line.header = null;
    line.model = null;
    line.dirty = false;
  }

  /** Many a sequence begins and ends between two barriers, and RocksDB is slow to find nothing. */
  private void clear(Line<IN> line) throws Exception {
    if (line.stored) {
      store.at(line.key);
      store.clear();
      line.stored = false;
    }
  }

  /** Writes and closes the sequences of a model, none of which runs. */
  void leave(HeldModel model) throws Exception {
    List<Line<IN>> its = lines.values().stream().filter(line -> line.model == model).toList();
    write(its);
    for (Line<IN> line : its) {
      close(line);
      line.model = null;
      if (line.isIdle()) {
        forget(line);
      }
    }
  }

  private void close(Line<IN> line) {
    Sequence sequence = line.sequence;
    if (sequence != null) {
      line.sequence = null;
      sequence.close();
      open--;
      count(line, 0);
    }
  }

  private void forget(Line<IN> line) {
    idle.remove(line);
    lines.remove(line.key);
  }

  /** No record of a line waits: it stays while its sequence is open. */
  void rest(Line<IN> line) throws Exception {
    SequenceHeader header = line.header;
    if (line.sequence != null) {
      idle.add(line);
      return;
    }
    if (line.dirty && header != null) {
      store.at(line.key);
      store.write(header);
    }
    forget(line);
  }

  /** Writes and closes those that were not used for the longest time, if all are too large. */
  void trim() throws Exception {
    measure();
    if (bytes <= options.cacheBytes()) {
      return;
    }
    long least = options.cacheBytes() - options.cacheBytes() / 8;
    List<Line<IN>> victims = new ArrayList<>();
    long left = bytes;
    for (Iterator<Line<IN>> next = idle.iterator(); next.hasNext() && left > least; ) {
      Line<IN> line = next.next();
      left -= line.bytes;
      victims.add(line);
    }
    write(victims);
    for (Line<IN> line : victims) {
      close(line);
      forget(line);
      metrics.evicted.inc();
    }
  }

  /** Counts what is known by now, in the order of answers. */
  private void measure() {
    Line<IN> line;
    while ((line = unmeasured.peek()) != null) {
      Sequence sequence = line.sequence;
      if (sequence != null) {
        if (sequence.length() < line.length()) {
          return;
        }
        count(line, OVERHEAD + sequence.bytes());
      }
      unmeasured.remove();
    }
  }

  /** Brings the state up to date. Nothing runs. */
  void writeAll() throws Exception {
    List<Line<IN>> all = new ArrayList<>();
    idle.forEach(all::add);
    write(all);
    trim();
  }

  private void write(Collection<Line<IN>> some) throws Exception {
    Map<Line<IN>, CompletableFuture<StateImage>> images = new HashMap<>();
    for (Line<IN> line : some) {
      SequenceHeader header = line.header;
      Sequence sequence = line.sequence;
      if (line.dirty && header != null && sequence != null && header.length() > 0) {
        images.put(line, sequence.image(header.version()));
      }
    }
    for (Map.Entry<Line<IN>, CompletableFuture<StateImage>> each : images.entrySet()) {
      write(each.getKey(), each.getValue());
    }
  }

  private void write(Line<IN> line, CompletableFuture<StateImage> changes) throws Exception {
    StateImage image;
    try {
      HeldModel model = line.model;
      if (model == null) {
        throw new AssertionError("an open sequence has no model");
      }
      image = model.patience.await(changes);
    } catch (CompletionException failed) {
      broke(line, Failures.blame(failed), null);
      if (line.isIdle()) {
        rest(line);
      }
      return;
    }
    SequenceHeader header = line.header;
    if (header != null) {
      store.at(line.key);
      line.header = store.write(header, image);
      line.stored = true;
      line.dirty = false;
      metrics.pages.inc(image.pages().size());
      metrics.pageBytes.inc(image.bytes());
    }
  }

  /**
   * Returns whether a sequence of which a record failed is what it was before.
   *
   * @throws CompletionException if no sequence is to blame
   */
  boolean isIntact(Line<IN> line) throws Exception {
    Sequence sequence = line.sequence;
    HeldModel model = line.model;
    if (sequence == null || model == null) {
      return true;
    }
    try {
      model.patience.await(sequence.settle());
    } catch (CompletionException failed) {
      Failures.blame(failed);
      return false;
    }
    return sequence.length() == line.length();
  }
}
