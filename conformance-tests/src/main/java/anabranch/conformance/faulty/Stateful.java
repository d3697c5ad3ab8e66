package anabranch.conformance.faulty;

import anabranch.backend.LoadedModel;
import anabranch.backend.Rows;
import anabranch.backend.SequenceState;
import anabranch.backend.Span;
import anabranch.backend.StageBatch;
import anabranch.backend.StageResult;
import anabranch.backend.StateImage;
import anabranch.model.ModelSpec;
import anabranch.weights.Weights;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A backend whose states can be broken: override exactly one. */
class Stateful extends Broken {
  /** A state passed on. */
  static final class Held implements SequenceState {
    final Map<Integer, Integer> calls = new HashMap<>();
    SequenceState inner;
    @Nullable SequenceState first;
    private final Stateful owner;

    Held(Stateful owner, SequenceState inner) {
      this.owner = owner;
      this.inner = inner;
    }

    @Override
    public int length() {
      return inner.length();
    }

    @Override
    public long bytes() {
      return owner.bytes(this);
    }

    @Override
    public SequenceState fork() {
      return owner.fork(this);
    }

    @Override
    public StateImage image(long since) {
      return owner.image(this, since);
    }

    @Override
    public void close() {
      owner.close(this);
    }
  }

  SequenceState fork(Held held) {
    Held fork = new Held(this, held.inner.fork());
    fork.calls.putAll(held.calls);
    fork.first = held.first == null ? null : held.first.fork();
    return fork;
  }

  long bytes(Held held) {
    return held.inner.bytes();
  }

  StateImage image(Held held, long since) {
    return held.inner.image(since);
  }

  SequenceState restore(LoadedModel model, StateImage image) {
    return model.restore(image);
  }

  void close(Held held) {
    held.inner.close();
  }

  /** Runs a stage; the states of the batch are those of this backend. */
  StageResult run(LoadedModel model, int stage, StageBatch batch, Set<Held> states) {
    return model.stages().get(stage).run(unwrapped(batch, held -> held.inner));
  }

  @Override
  StageResult run(LoadedModel model, int stage, StageBatch batch) {
    Set<Held> states = new LinkedHashSet<>();
    for (Span span : batch.spans()) {
      if (span.state() instanceof Held held) {
        states.add(held);
      }
    }
    return run(model, stage, batch, states);
  }

  /** Returns the batch with states that the backend behind this one knows. */
  static StageBatch unwrapped(StageBatch batch, Function<Held, SequenceState> state) {
    List<Span> spans = new ArrayList<>();
    for (Span span : batch.spans()) {
      SequenceState known = span.state() instanceof Held held ? state.apply(held) : span.state();
      spans.add(new Span(known, span.rows()));
    }
    return new StageBatch(batch.slot(), spans, batch.trace());
  }

  @Override
  public LoadedModel load(ModelSpec spec, Weights weights, anabranch.backend.LoadOptions options) {
    LoadedModel loaded = super.load(spec, weights, options);
    return new Model(spec, loaded) {
      @Override
      public List<anabranch.backend.Stage> stages() {
        return loaded.stages();
      }

      @Override
      public SequenceState newState(@Nullable Rows memory) {
        return new Held(Stateful.this, loaded.newState(memory));
      }

      @Override
      public SequenceState restore(StateImage image) {
        return new Held(Stateful.this, Stateful.this.restore(loaded, image));
      }
    };
  }
}
