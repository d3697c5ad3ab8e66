package anabranch.flink.step;

import org.apache.flink.runtime.event.WatermarkEvent;
import org.apache.flink.streaming.api.operators.Output;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.LatencyMarker;
import org.apache.flink.streaming.runtime.streamrecord.RecordAttributes;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;
import org.apache.flink.util.FlinkRuntimeException;
import org.apache.flink.util.OutputTag;
import org.apache.flink.util.function.ThrowingConsumer;

/**
 * An output at which the idleness of a stream waits for the records before it: an operator of two
 * inputs hands it there past everything that could hold it. Confined to the task's thread.
 */
final class HeldOutput<OUT> implements Output<StreamRecord<OUT>> {
  private final Output<StreamRecord<OUT>> output;
  private final ThrowingConsumer<Places.Place, Exception> holder;

  HeldOutput(Output<StreamRecord<OUT>> output, ThrowingConsumer<Places.Place, Exception> holder) {
    this.output = output;
    this.holder = holder;
  }

  @Override
  public void emitWatermarkStatus(WatermarkStatus status) {
    try {
      holder.accept(() -> output.emitWatermarkStatus(status));
    } catch (Exception failed) {
      throw new FlinkRuntimeException(failed);
    }
  }

  @Override
  public void emitWatermark(Watermark mark) {
    output.emitWatermark(mark);
  }

  @Override
  public void emitWatermark(WatermarkEvent mark) {
    output.emitWatermark(mark);
  }

  @Override
  public <X> void collect(OutputTag<X> tag, StreamRecord<X> record) {
    output.collect(tag, record);
  }

  @Override
  public void collect(StreamRecord<OUT> record) {
    output.collect(record);
  }

  @Override
  public void emitLatencyMarker(LatencyMarker marker) {
    output.emitLatencyMarker(marker);
  }

  @Override
  public void emitRecordAttributes(RecordAttributes attributes) {
    output.emitRecordAttributes(attributes);
  }

  @Override
  public void close() {
    output.close();
  }
}
