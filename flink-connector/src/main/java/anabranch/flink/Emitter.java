package anabranch.flink;

import anabranch.engine.Inference;
import anabranch.flink.step.Failures;
import anabranch.flink.step.InferenceMetrics;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.apache.flink.streaming.api.operators.Output;
import org.apache.flink.streaming.api.operators.TimestampedCollector;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.util.FlinkException;
import org.jspecify.annotations.Nullable;

/** Turns answered records into results and failures. Confined to the task's thread. */
final class Emitter<IN, OUT> {
  private final InferenceFlatMapFunction<IN, OUT> results;
  private final @Nullable Failures<IN, ?> failures;
  private final Output<StreamRecord<OUT>> output;
  private final TimestampedCollector<OUT> collector;
  private final InferenceMetrics metrics;

  Emitter(
      InferenceFlatMapFunction<IN, OUT> results,
      @Nullable Failures<IN, ?> failures,
      Output<StreamRecord<OUT>> output,
      InferenceMetrics metrics) {
    this.results = results;
    this.failures = failures;
    this.output = output;
    this.collector = new TimestampedCollector<>(output);
    this.metrics = metrics;
  }

  /** Emits what a record whose answers are all there leads to. */
  void emit(HeldRecord<IN> record) throws Exception {
    Exception failure = record.unreadable();
    List<Inference> inferences = new ArrayList<>(record.answers().size());
    for (CompletableFuture<Inference> answer : record.answers()) {
      try {
        inferences.add(answer.join());
      } catch (CompletionException failed) {
        failure = failure == null ? Failures.blame(failed) : failure;
      }
    }
    inferences.forEach(metrics::answer);
    if (failure == null) {
      collector.setTimestamp(record.stamped(record.value()));
      results.flatMap(record.value(), List.copyOf(inferences), collector);
    } else {
      metrics.failure();
      if (failures == null) {
        throw new FlinkException(
            "a record could not be answered: " + failure.getMessage(), failure);
      }
      failures.send(record.stamped(record.value()), failure, output);
    }
  }
}
