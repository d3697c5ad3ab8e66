package anabranch.onnx.session;

import anabranch.backend.LoadOptions;
import anabranch.backend.LoadedModel;
import anabranch.model.ModelSpec;
import anabranch.onnx.Models;
import anabranch.onnx.OnnxBackend;
import anabranch.weights.Weights;

/** A program that loads a model, to be started with a long argument. */
public final class StartsWithLongCommandLine {
  private StartsWithLongCommandLine() {}

  /** Loads a model and says so. */
  public static void main(String[] arguments) {
    ModelSpec spec = Models.causal();
    try (LoadedModel model =
        new OnnxBackend().load(spec, Weights.random(spec, 1), LoadOptions.defaults())) {
      System.out.println(
          model.spec().name() + " loaded with " + arguments[0].length() + " characters");
    }
  }
}
