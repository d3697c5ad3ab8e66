package anabranch.engine.bank;

import anabranch.backend.Activations;
import anabranch.backend.Event;
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
import anabranch.engine.Engine;
import anabranch.engine.Item;
import anabranch.engine.Policy;
import anabranch.model.Embedding;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Block;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Head;
import anabranch.model.plan.Plan;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A model that answers items with what a function says of their token ids. */
final class Told implements LoadedModel {
  final AtomicInteger asked = new AtomicInteger();
  volatile boolean closed;
  volatile Runnable before = () -> {};
  private final ModelSpec spec;
  private final Function<int[], float[]> answers;

  Told(String name, int outputs, Function<int[], float[]> answers) {
    this(name, outputs, Head.Pool.LAST, answers);
  }

  Told(String name, int outputs, Head.Pool pool, Function<int[], float[]> answers) {
    this.answers = answers;
    spec =
        new ModelSpec(
            name,
            4,
            new Input.Tokens(1000, 20),
            Embedding.plain(),
            Plan.of(
                Block.of(
                    Sublayer.preNorm(new Norm.Layer(1e-5), FeedForward.plain(4, Activation.RELU)))),
            new Head(pool, null, outputs, false));
  }

  /** Returns a model that says the same of every item. */
  static Told always(String name, float... logits) {
    return new Told(name, logits.length, tokens -> logits);
  }

  Engine engine() {
    return Engine.open(this, Policy.fullDepth());
  }

  static Item item(int... tokens) {
    return Item.of("item" + tokens[0], Event.ofTokens(tokens));
  }

  static float[] numbers(FloatBuffer logits) {
    float[] all = new float[logits.remaining()];
    logits.get(all);
    return all;
  }

  @Override
  public ModelSpec spec() {
    return spec;
  }

  @Override
  public Numerics numerics() {
    return new Numerics(Numerics.Kind.BITWISE_BATCH_INVARIANT, 0, 0, "told", "fp32", List.of());
  }

  @Override
  public List<Stage> stages() {
    return List.of(this::run);
  }

  private StageResult run(StageBatch batch) {
    List<float[]> said = new ArrayList<>();
    for (Span span : batch.spans()) {
      Rows rows = span.rows();
      int[] tokens = new int[rows.size()];
      for (int i = 0; i < tokens.length; i++) {
        tokens[i] = rows.event(i).token(rows.position(i));
      }
      asked.incrementAndGet();
      before.run();
      float[] answer = answers.apply(tokens);
      int units = spec.head().pool().ofItem() ? 1 : tokens.length;
      for (int unit = 0; unit < units; unit++) {
        said.add(answer);
      }
    }
    return new Result(said);
  }

  @Override
  public SequenceState newState(@Nullable Rows memory) {
    throw new IllegalStateException("no sequence of this model is begun");
  }

  @Override
  public SequenceState restore(StateImage image) {
    throw new IllegalStateException("no sequence of this model is begun");
  }

  @Override
  public void close() {
    closed = true;
  }

  private record Result(List<float[]> said) implements StageResult {
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
      float[] none = new float[said.size()];
      Arrays.fill(none, Float.NaN);
      return FloatBuffer.wrap(none);
    }

    @Override
    public IntBuffer labels() {
      return IntBuffer.allocate(0);
    }

    @Override
    public void output(int[] units, ByteBuffer into) {
      for (int unit : units) {
        for (float logit : said.get(unit)) {
          into.putFloat(logit);
        }
      }
    }

    @Override
    public Trace trace() {
      return new Trace(List.of());
    }

    @Override
    public void close() {}
  }
}
