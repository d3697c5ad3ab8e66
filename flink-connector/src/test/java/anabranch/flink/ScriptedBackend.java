package anabranch.flink;

import anabranch.backend.Activations;
import anabranch.backend.Backend;
import anabranch.backend.LoadOptions;
import anabranch.backend.LoadedModel;
import anabranch.backend.Numerics;
import anabranch.backend.Rows;
import anabranch.backend.SequenceState;
import anabranch.backend.Span;
import anabranch.backend.Stage;
import anabranch.backend.StageBatch;
import anabranch.backend.StageResult;
import anabranch.backend.StateImage;
import anabranch.backend.Trace;
import anabranch.error.Unsupported;
import anabranch.model.ModelSpec;
import anabranch.model.facts.Cut;
import anabranch.weights.Weights;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * A backend whose numbers are plain to see: an item's logits are the sum of its tokens and the
 * stage it left behind, which is its first token modulo 3.
 */
public final class ScriptedBackend implements Backend {
  @Override
  public String name() {
    return "scripted";
  }

  @Override
  public List<Unsupported> check(ModelSpec spec, LoadOptions options) {
    return options.refusals(spec);
  }

  @Override
  public LoadedModel load(ModelSpec spec, Weights weights, LoadOptions options) {
    weights.requireFit(spec);
    Script script = Script.named(options.settings().get("scripted.script"));
    script.loads.incrementAndGet();
    script.duringLoad.run();
    RuntimeException failure = script.loadFailure;
    if (failure != null) {
      throw failure;
    }
    script.openModels.incrementAndGet();
    return new Model(spec, script, new AtomicBoolean());
  }

  private record Model(ModelSpec spec, Script script, AtomicBoolean closed) implements LoadedModel {
    @Override
    public Numerics numerics() {
      return new Numerics(Numerics.Kind.BITWISE_BATCH_INVARIANT, 0, 0, "script", "fp32", List.of());
    }

    @Override
    public List<Stage> stages() {
      return Cut.of(spec).stages().stream()
          .map(stage -> (Stage) batch -> run(stage.index(), batch))
          .toList();
    }

    @Override
    public SequenceState newState(@Nullable Rows memory) {
      throw new IllegalStateException("no stage keeps state");
    }

    @Override
    public SequenceState restore(StateImage image) {
      throw new IllegalStateException("no stage keeps state");
    }

    @Override
    public void close() {
      if (closed.compareAndSet(false, true)) {
        script.openModels.decrementAndGet();
      }
    }

    private StageResult run(int stage, StageBatch batch) {
      if (closed.get()) {
        throw new IllegalStateException("the model is closed");
      }
      for (Span span : batch.spans()) {
        int token = span.rows().event(0).token(0);
        if (stage == 0) {
          script.run(token);
        } else {
          script.deep.accept(token);
        }
      }
      return new Result(stage, batch);
    }
  }

  private record Result(int stage, StageBatch batch) implements StageResult {
    @Override
    public Activations rows() {
      return new Activations() {
        @Override
        public long bytes() {
          return 0;
        }

        @Override
        public void close() {}
      };
    }

    @Override
    public FloatBuffer scores() {
      FloatBuffer scores = FloatBuffer.allocate(batch.spans().size());
      for (Span span : batch.spans()) {
        scores.put(span.rows().event(0).token(0) % 3 == stage ? 1 : 0);
      }
      return scores.flip();
    }

    @Override
    public IntBuffer labels() {
      return IntBuffer.allocate(0);
    }

    @Override
    public void output(int[] units, ByteBuffer into) {
      for (int unit : units) {
        Rows rows = batch.spans().get(unit).rows();
        float sum = 0;
        for (int i = 0; i < rows.size(); i++) {
          sum += rows.event(i).token(rows.position(i));
        }
        into.putFloat(sum);
        into.putFloat(stage);
      }
    }

    @Override
    public Trace trace() {
      return Trace.none();
    }

    @Override
    public void close() {}
  }
}
