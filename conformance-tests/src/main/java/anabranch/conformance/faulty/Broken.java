package anabranch.conformance.faulty;

import anabranch.backend.Backend;
import anabranch.backend.LoadOptions;
import anabranch.backend.LoadedModel;
import anabranch.backend.Numerics;
import anabranch.backend.Rows;
import anabranch.backend.SequenceState;
import anabranch.backend.Stage;
import anabranch.backend.StageBatch;
import anabranch.backend.StageResult;
import anabranch.backend.StateImage;
import anabranch.conformance.reference.ReferenceBackend;
import anabranch.conformance.trial.Trial;
import anabranch.error.Unsupported;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Parameter;
import anabranch.weights.MemoryWeights;
import anabranch.weights.Tensor;
import anabranch.weights.Weights;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The reference backend with places where it can be broken: override exactly one. */
class Broken implements Backend {
  final ReferenceBackend reference = new ReferenceBackend();

  @Override
  public String name() {
    return reference.name();
  }

  @Override
  public List<Unsupported> check(ModelSpec spec, LoadOptions options) {
    return reference.check(spec, options);
  }

  @Override
  public LoadedModel load(ModelSpec spec, Weights weights, LoadOptions options) {
    if (!check(spec, options).isEmpty()) {
      return reference.load(spec, weights, options);
    }
    weights.requireFit(spec);
    ModelSpec other = change(spec);
    List<Tensor> tensors = new ArrayList<>();
    for (Parameter parameter : other.parameters()) {
      tensors.add(change(source(parameter, weights), weights));
    }
    return new Model(
        spec, reference.load(other, MemoryWeights.of(tensors), Trial.accepting(options, other)));
  }

  private Tensor source(Parameter parameter, Weights weights) {
    return weights.names().contains(parameter.name())
        ? weights.tensor(parameter.name())
        : added(parameter);
  }

  /** Returns the description that is loaded instead. */
  ModelSpec change(ModelSpec spec) {
    return spec;
  }

  /** Returns the tensor that is loaded instead. */
  Tensor change(Tensor tensor, Weights all) {
    return tensor;
  }

  /** Returns a tensor that only the changed description needs. */
  Tensor added(Parameter parameter) {
    throw new AssertionError(parameter + " is not there");
  }

  /** Runs a stage. */
  StageResult run(LoadedModel model, int stage, StageBatch batch) {
    return model.stages().get(stage).run(batch);
  }

  /** A model that claims to be what was asked for. */
  class Model implements LoadedModel {
    private final ModelSpec claimed;
    private final LoadedModel loaded;

    Model(ModelSpec claimed, LoadedModel loaded) {
      this.claimed = claimed;
      this.loaded = loaded;
    }

    @Override
    public ModelSpec spec() {
      return claimed;
    }

    @Override
    public Numerics numerics() {
      return loaded.numerics();
    }

    @Override
    public List<Stage> stages() {
      List<Stage> stages = new ArrayList<>();
      for (int i = 0; i < loaded.stages().size(); i++) {
        int stage = i;
        stages.add(batch -> run(loaded, stage, batch));
      }
      return stages;
    }

    @Override
    public SequenceState newState(@Nullable Rows memory) {
      return loaded.newState(memory);
    }

    @Override
    public SequenceState restore(StateImage image) {
      return loaded.restore(image);
    }

    @Override
    public void close() {
      loaded.close();
    }
  }
}
