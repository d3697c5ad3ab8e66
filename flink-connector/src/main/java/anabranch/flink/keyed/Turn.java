package anabranch.flink.keyed;

import anabranch.flink.step.HeldRecord;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.util.function.ThrowingConsumer;
import org.jspecify.annotations.Nullable;

/**
 * A record: it waits for the earlier ones of its key, then for its answers, then for its place in
 * the output. Confined to the task's thread.
 */
final class Turn<IN> extends HeldRecord<IN> {
  final Line<IN> line;
  private final ThrowingConsumer<Turn<IN>, Exception> emitter;

  /** What answers it; null before it runs. */
  @Nullable HeldModel model;

  @Nullable Long number;
  boolean last;

  /** Whether it leaves no trace. */
  boolean dropped;

  Turn(StreamRecord<IN> record, Line<IN> line, ThrowingConsumer<Turn<IN>, Exception> emitter) {
    super(record);
    this.line = line;
    this.emitter = emitter;
  }

  @Override
  public void emit() throws Exception {
    emitter.accept(this);
  }
}
