package anabranch.error;

import java.util.List;
import java.util.stream.Collectors;

/** A backend was asked to load what its {@code check} refuses; every refusal is listed. */
public final class UnsupportedModelException extends AnabranchException {
  private static final long serialVersionUID = 1L;

  private final transient List<Unsupported> parts;

  /**
   * Creates the exception.
   *
   * @param backend the name of the backend that refuses
   * @param model the name of the model
   * @param parts what it refuses; at least one
   */
  public UnsupportedModelException(String backend, String model, List<Unsupported> parts) {
    super(
        "backend \""
            + backend
            + "\" cannot load model \""
            + model
            + "\": "
            + parts.stream().map(Unsupported::toString).collect(Collectors.joining("; ")),
        null);
    this.parts = List.copyOf(parts);
  }

  /** Returns what was refused; empty only after Java serialization, where the message remains. */
  public List<Unsupported> parts() {
    return parts == null ? List.of() : parts;
  }
}
