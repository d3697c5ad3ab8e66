package anabranch.model.layer;

import anabranch.error.Bounds;
import java.util.function.Consumer;

/** A normalisation of one hidden vector, with learned scale. */
public sealed interface Norm {
  /** Returns the number added under the square root. */
  double epsilon();

  /** Lists the parameters under {@code path}. */
  void parameters(String path, int width, Consumer<Parameter> into);

  /**
   * {@code (x - mean) / sqrt(variance + epsilon) * weight + bias} (Ba et al., Layer Normalization).
   *
   * @param epsilon above 0
   */
  record Layer(double epsilon) implements Norm {
    /** Checks the bound. */
    public Layer {
      Bounds.positive("norm.epsilon", epsilon);
    }

    @Override
    public void parameters(String path, int width, Consumer<Parameter> into) {
      into.accept(Parameter.vector(path + ".weight", width));
      into.accept(Parameter.vector(path + ".bias", width));
    }
  }

  /**
   * {@code x / sqrt(mean(x^2) + epsilon) * weight} (Zhang and Sennrich, Root Mean Square Layer
   * Normalization).
   *
   * @param epsilon above 0
   */
  record Rms(double epsilon) implements Norm {
    /** Checks the bound. */
    public Rms {
      Bounds.positive("norm.epsilon", epsilon);
    }

    @Override
    public void parameters(String path, int width, Consumer<Parameter> into) {
      into.accept(Parameter.vector(path + ".weight", width));
    }
  }
}
