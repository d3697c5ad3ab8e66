package anabranch.conformance.faulty;

import static anabranch.conformance.faulty.Faults.fault;

import anabranch.backend.LoadOptions;
import anabranch.backend.LoadedModel;
import anabranch.backend.Numerics;
import anabranch.backend.Stage;
import anabranch.backend.StageBatch;
import anabranch.backend.StageResult;
import anabranch.conformance.faulty.Faults.Fault;
import anabranch.error.Unsupported;
import anabranch.model.ModelSpec;
import anabranch.weights.MemoryWeights;
import anabranch.weights.Tensor;
import anabranch.weights.Weights;
import java.util.ArrayList;
import java.util.List;

/** Models that are refused, loaded or closed wrongly. */
final class LifecycleFaults {
  private LifecycleFaults() {}

  static List<Fault> all() {
    return List.of(
        fault(
            "the model says it is another",
            new Broken() {
              @Override
              public LoadedModel load(ModelSpec spec, Weights weights, LoadOptions options) {
                ModelSpec other =
                    new ModelSpec(
                        "other",
                        spec.width(),
                        spec.encoder(),
                        spec.input(),
                        spec.embedding(),
                        spec.plan(),
                        spec.head());
                return reference.load(other, weights, options);
              }
            },
            "aLoadedModelIsWhatWasDescribed"),
        fault(
            "the model computes in numbers that nobody knows",
            new Broken() {
              @Override
              public LoadedModel load(ModelSpec spec, Weights weights, LoadOptions options) {
                return new Model(spec, reference.load(spec, weights, options)) {
                  @Override
                  public Numerics numerics() {
                    return new Numerics(Numerics.Kind.TOLERANT, 0.1, 0.1, "cpu", "fp8", List.of());
                  }
                };
              }
            },
            "aLoadedModelIsWhatWasDescribed"),
        fault(
            "load accepts what check refuses",
            new Broken() {
              @Override
              public LoadedModel load(ModelSpec spec, Weights weights, LoadOptions options) {
                return reference.load(spec, weights, LoadOptions.defaults());
              }
            },
            "checkIsEmptyExactlyWhenLoadSucceeds"),
        fault(
            "whatever it answers is within its tolerance",
            new Broken() {
              @Override
              public LoadedModel load(ModelSpec spec, Weights weights, LoadOptions options) {
                return new Model(spec, reference.load(spec, weights, options)) {
                  @Override
                  public Numerics numerics() {
                    return new Numerics(Numerics.Kind.TOLERANT, 1e9, 1e9, "cpu", "fp32", List.of());
                  }
                };
              }
            },
            "aLoadedModelIsWhatWasDescribed"),
        fault(
            "check refuses nothing",
            new Broken() {
              @Override
              public List<Unsupported> check(ModelSpec spec, LoadOptions options) {
                return List.of();
              }
            },
            "aLimitOfTokenRefusesAttention",
            "unknownSettingsOfItsOwnAreRefused",
            "checkIsEmptyExactlyWhenLoadSucceeds"),
        fault(
            "surplus weights are ignored",
            new Broken() {
              @Override
              public LoadedModel load(ModelSpec spec, Weights weights, LoadOptions options) {
                List<Tensor> needed = new ArrayList<>();
                spec.parameters().forEach(p -> needed.add(weights.tensor(p.name())));
                return reference.load(spec, MemoryWeights.of(needed), options);
              }
            },
            "weightsThatDoNotFitAreRefused"),
        fault(
            "weights are read when they are needed",
            new Broken() {
              @Override
              StageResult run(LoadedModel model, int stage, StageBatch batch) {
                throw new AssertionError("the lazy model runs its stages itself");
              }

              @Override
              public LoadedModel load(ModelSpec spec, Weights weights, LoadOptions options) {
                LoadedModel first = reference.load(spec, weights, options);
                return new Model(spec, first) {
                  @Override
                  public List<Stage> stages() {
                    return reference.load(spec, weights, options).stages();
                  }
                };
              }
            },
            "weightsMayBeClosedOnceLoaded"),
        fault(
            "a closed model works on",
            new Broken() {
              @Override
              public LoadedModel load(ModelSpec spec, Weights weights, LoadOptions options) {
                return new Model(spec, reference.load(spec, weights, options)) {
                  @Override
                  public void close() {}
                };
              }
            },
            "aClosedModelRefusesWorkAndClosesAgain"));
  }
}
