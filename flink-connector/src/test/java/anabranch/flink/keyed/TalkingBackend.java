package anabranch.flink.keyed;

import anabranch.backend.Backend;
import anabranch.backend.LoadOptions;
import anabranch.backend.LoadedModel;
import anabranch.backend.Numerics;
import anabranch.backend.Rows;
import anabranch.backend.SequenceState;
import anabranch.backend.Stage;
import anabranch.backend.StateImage;
import anabranch.conformance.reference.ReferenceBackend;
import anabranch.error.Unsupported;
import anabranch.model.ModelSpec;
import anabranch.weights.Weights;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The reference backend, watched and disturbed by a {@link Talk}. */
public final class TalkingBackend implements Backend {
  @Override
  public String name() {
    return "talking";
  }

  @Override
  public List<Unsupported> check(ModelSpec spec, LoadOptions options) {
    return options.refusals(spec);
  }

  @Override
  public LoadedModel load(ModelSpec spec, Weights weights, LoadOptions options) {
    Talk talk = Talk.named(options.settings().get("talking.talk"));
    LoadedModel model = new ReferenceBackend().load(spec, weights, LoadOptions.defaults());
    talk.openModels.incrementAndGet();
    return new Model(talk, model);
  }

  private record Model(Talk talk, LoadedModel real) implements LoadedModel {
    @Override
    public ModelSpec spec() {
      return real.spec();
    }

    @Override
    public Numerics numerics() {
      return real.numerics();
    }

    @Override
    public List<Stage> stages() {
      return real.stages().stream()
          .map(
              stage ->
                  (Stage)
                      batch -> {
                        talk.before.accept(batch);
                        return stage.run(batch);
                      })
          .toList();
    }

    @Override
    public SequenceState newState(@Nullable Rows memory) {
      return real.newState(memory);
    }

    @Override
    public SequenceState restore(StateImage image) {
      return real.restore(image);
    }

    @Override
    public void close() {
      talk.openModels.decrementAndGet();
      real.close();
    }
  }
}
