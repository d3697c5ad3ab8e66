package anabranch.flink;

import anabranch.flink.step.InferenceOperator;
import anabranch.flink.step.StepFactory;
import anabranch.flink.step.StepParts;
import java.util.ArrayDeque;
import java.util.Deque;
import org.apache.flink.annotation.Internal;
import org.apache.flink.streaming.api.operators.StreamOperatorParameters;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;

/**
 * Gathers records into batches, has an engine that it shares with its neighbours answer them, and
 * emits the results of each record when its own answers are there. Nothing is left in flight when a
 * barrier passes, so there is no state.
 *
 * <p>A batch is put into the queue before anything yields, and batches start in the order of the
 * queue, whoever happens to start them.
 */
@Internal
final class MicroBatchInferenceOperator<IN, OUT>
    extends InferenceOperator<IN, OUT, Batch.Entry<IN>> {
  private static final long serialVersionUID = 1L;

  /** Most control elements that are held before the stream is held back. */
  private static final int MOST_CONTROLS = 1024;

  private final MicroBatchOptions options;
  private final Deque<Batch<IN>> unstarted = new ArrayDeque<>();
  private Batch<IN> current = new Batch<>();
  private int inFlight;

  private MicroBatchInferenceOperator(
      StreamOperatorParameters<OUT> parameters,
      StepParts<IN, OUT> parts,
      MicroBatchOptions options) {
    super(parameters, parts, options.ordered());
    this.options = options;
  }

  /** Returns what makes such operators. */
  static <IN, OUT> StepFactory<IN, OUT> factory(
      StepParts<IN, OUT> parts, MicroBatchOptions options) {
    return new StepFactory<>(
        MicroBatchInferenceOperator.class,
        parameters -> new MicroBatchInferenceOperator<>(parameters, parts, options));
  }

  @Override
  protected int mostItems() {
    return Integer.MAX_VALUE;
  }

  @Override
  protected int inFlight() {
    return inFlight;
  }

  @Override
  protected boolean isCrowded() {
    return places().controls() >= MOST_CONTROLS;
  }

  @Override
  public void processElement(StreamRecord<IN> element) throws Exception {
    Batch.Entry<IN> record = new Batch.Entry<>(own(element), this::emitted);
    try {
      record.items = read(record.record.getValue());
    } catch (Exception unreadable) {
      record.failure = unreadable;
    }
    if (!current.isEmpty() && current.rows() + record.rows() > options.batchRows()) {
      flush();
    }
    places().add(record);
    current.add(record);
    if (current.records().size() >= options.batchRecords()
        || current.rows() >= options.batchRows()) {
      flush();
    } else if (current.records().size() == 1) {
      Batch<IN> batch = current;
      batch.timer(
          after(
              options.linger().toMillis(),
              time -> {
                if (batch == current) {
                  flush();
                  fallSilent();
                }
              }));
    }
  }

  /** Ends the current batch and waits until it is started. */
  @Override
  protected void flush() throws Exception {
    Batch<IN> batch = current;
    if (batch.isEmpty()) {
      return;
    }
    current = new Batch<>();
    batch.timer(null);
    unstarted.add(batch);
    while (!batch.started()) {
      Batch<IN> next = inFlight < options.maxInFlight() ? unstarted.poll() : null;
      if (next == null) {
        pause();
      } else {
        submit(next);
      }
    }
  }

  private void submit(Batch<IN> batch) throws Exception {
    batch.start();
    inFlight++;
    metrics().batch(batch.records().size(), batch.rows());
    watch(batch);
    for (Batch.Entry<IN> record : batch.records()) {
      ask(record, record.items, lease()::offer);
    }
    batch.asked();
  }

  private void watch(Batch<IN> batch) {
    batch.timer(after(options.timeout().toMillis(), time -> expire(batch)));
  }

  @Override
  protected void answered(Batch.Entry<IN> record) {
    record.batch().answered();
    places().done(record);
  }

  @Override
  protected void advance() throws Exception {
    places().emitReady();
  }

  private void emitted(Batch.Entry<IN> record) throws Exception {
    emit(record);
    if (record.batch().emitted()) {
      inFlight--;
    }
  }

  /**
   * Fails the task if a batch is not answered yet. The task may have waited for whoever takes its
   * results: answers lie there then, and a timer that was due meanwhile fires though it was
   * cancelled.
   */
  void expire(Batch<IN> batch) throws Exception {
    takeAnswers();
    if (batch.isAnswered()) {
      return;
    }
    if (batch.mayWait()) {
      watch(batch);
      return;
    }
    String what = "answer a batch of " + batch.records().size() + " records";
    throw share().lost(what, options.timeout());
  }

  @Override
  public void processWatermark(Watermark mark) throws Exception {
    if (options.flushAtWatermark()) {
      flush();
    }
    super.processWatermark(mark);
  }

  @Override
  public void close() throws Exception {
    current.timer(null);
    super.close();
  }
}
