package anabranch.benchmarks.layer;

import anabranch.backend.Activations;
import anabranch.backend.Event;
import anabranch.backend.LoadOptions;
import anabranch.backend.LoadedModel;
import anabranch.backend.Rows;
import anabranch.backend.Span;
import anabranch.backend.Stage;
import anabranch.backend.StageBatch;
import anabranch.backend.StageResult;
import anabranch.engine.Backends;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The first stage of a loaded model of token ids as a way, routing included; it closes the model.
 */
public final class Ours implements Way {
  private final LoadedModel model;
  private final int outputs;
  private final Stage stage;
  private final StageBatch batch;
  private final int count;

  Ours(Bench bench, String backend, int count) {
    this(bench, backend, count, LoadOptions.defaults());
  }

  Ours(Bench bench, String backend, int count, LoadOptions options) {
    this(Backends.named(backend).load(bench.shape.spec(), bench.weights, options), count);
  }

  /**
   * Prepares rows.
   *
   * @param count how many, with the ids from 0 on
   */
  public Ours(LoadedModel model, int count) {
    this.model = model;
    outputs = model.spec().head().outputs();
    stage = model.stages().get(0);
    this.count = count;
    int[] ids = IntStream.range(0, count).toArray();
    Event[] events = new Event[count];
    Arrays.fill(events, Event.ofTokens(ids));
    byte[] flags = new byte[count];
    Arrays.fill(flags, Rows.SCORED);
    Rows rows = new Rows(events, new Activations[count], ids, ids, flags);
    batch = new StageBatch(0, List.of(new Span(null, rows)), false);
  }

  @Override
  public void run() {
    try (StageResult result = stage.run(batch);
        Activations left = result.rows()) {
      if (left.bytes() == 0) {
        throw new AssertionError("no rows");
      }
    }
  }

  /** Returns what the head makes of each row. */
  @Override
  public float[] result() {
    try (StageResult result = stage.run(batch);
        Activations left = result.rows()) {
      ByteBuffer bytes = ByteBuffer.allocate(4 * count * outputs).order(ByteOrder.LITTLE_ENDIAN);
      result.output(IntStream.range(0, count).toArray(), bytes);
      float[] logits = new float[count * outputs];
      bytes.flip().asFloatBuffer().get(logits);
      return logits;
    }
  }

  @Override
  public void close() {
    model.close();
  }
}
