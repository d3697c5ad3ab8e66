package anabranch.onnx.session;

import anabranch.backend.LoadOptions;
import anabranch.backend.LoadedModel;
import anabranch.model.ModelSpec;
import anabranch.onnx.Models;
import anabranch.onnx.OnnxBackend;
import anabranch.weights.Weights;
import java.util.List;
import java.util.concurrent.Callable;

/** Loads a model, as code that another class loader can define again, and tells its notes. */
public final class SecondCopy implements Callable<List<String>> {
  @Override
  public List<String> call() {
    ModelSpec spec = Models.causal();
    try (LoadedModel model =
        new OnnxBackend().load(spec, Weights.random(spec, 1), LoadOptions.defaults())) {
      return model.numerics().notes();
    }
  }
}
