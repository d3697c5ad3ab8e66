package anabranch.benchmarks.job;

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
import anabranch.weights.Weights;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A backend that computes nothing, for models of one stage whose items are single rows: the logits
 * of a row are its token and its position. What it keeps of a sequence are as many pages as the
 * setting {@code identity.pages} says, of which each row changes the next.
 */
public final class IdentityBackend implements Backend {
  static final String PAGES = "identity.pages";
  static final int PAGE_BYTES = 4096;

  @Override
  public String name() {
    return "identity";
  }

  @Override
  public List<Unsupported> check(ModelSpec spec, LoadOptions options) {
    return options.refusals(spec);
  }

  @Override
  public LoadedModel load(ModelSpec spec, Weights weights, LoadOptions options) {
    return new Model(spec, Integer.parseInt(options.settings().getOrDefault(PAGES, "1")));
  }

  private record Model(ModelSpec spec, int pages) implements LoadedModel {
    @Override
    public Numerics numerics() {
      return new Numerics(Numerics.Kind.BITWISE_BATCH_INVARIANT, 0, 0, "none", "fp32", List.of());
    }

    @Override
    public List<Stage> stages() {
      return List.of(batch -> run(batch, spec.head().outputs()));
    }

    private static StageResult run(StageBatch batch, int outputs) {
      for (Span span : batch.spans()) {
        if (span.state() instanceof State state) {
          state.take(span.rows().position(0));
        }
      }
      return new Result(batch, outputs);
    }

    @Override
    public SequenceState newState(@Nullable Rows memory) {
      return new State(pages);
    }

    @Override
    public SequenceState restore(StateImage image) {
      State state = new State(pages);
      image.pages().forEach((number, page) -> page.duplicate().get(state.bytes[number]));
      state.version = image.version();
      state.length = ByteBuffer.wrap(state.bytes[0]).getInt(4);
      return state;
    }

    @Override
    public void close() {}
  }

  private static final class State implements SequenceState {
    private final byte[][] bytes;
    private final long[] changed;
    private long version;
    private int length;

    State(int pages) {
      bytes = new byte[pages][PAGE_BYTES];
      changed = new long[pages];
    }

    void take(int position) {
      length = position + 1;
      int page = position % bytes.length;
      ByteBuffer.wrap(bytes[page]).putInt(0, position);
      ByteBuffer.wrap(bytes[0]).putInt(4, length);
      changed[page] = version + 1;
      changed[0] = version + 1;
    }

    @Override
    public int length() {
      return length;
    }

    @Override
    public long bytes() {
      return (long) bytes.length * PAGE_BYTES;
    }

    @Override
    public SequenceState fork() {
      throw new UnsupportedOperationException("nobody tries anything here");
    }

    @Override
    public StateImage image(long since) {
      Map<Integer, ByteBuffer> pages = new HashMap<>();
      for (int page = 0; page < bytes.length; page++) {
        if (changed[page] > since || since == 0) {
          pages.put(page, ByteBuffer.wrap(bytes[page].clone()));
        }
      }
      version++;
      return new StateImage("identity", version, since == 0, pages, Set.of());
    }

    @Override
    public void close() {}
  }

  private record Result(StageBatch batch, int outputs) implements StageResult {
    private static final Activations NONE =
        new Activations() {
          @Override
          public long bytes() {
            return 0;
          }

          @Override
          public void close() {}
        };

    @Override
    public Activations rows() {
      return NONE;
    }

    @Override
    public FloatBuffer scores() {
      float[] scores = new float[batch.spans().size()];
      Arrays.fill(scores, Float.NaN);
      return FloatBuffer.wrap(scores);
    }

    @Override
    public IntBuffer labels() {
      return IntBuffer.allocate(0);
    }

    @Override
    public void output(int[] units, ByteBuffer into) {
      for (int unit : units) {
        Rows rows = batch.spans().get(unit).rows();
        into.putFloat(rows.event(0).token(rows.position(0))).putFloat(rows.position(0));
        for (int i = 2; i < outputs; i++) {
          into.putFloat(0);
        }
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
