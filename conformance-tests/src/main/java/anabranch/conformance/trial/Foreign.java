package anabranch.conformance.trial;

import anabranch.backend.Activations;
import anabranch.backend.SequenceState;
import anabranch.backend.StateImage;
import java.util.Map;
import java.util.Set;

/** A state and handle that no backend has made. */
public final class Foreign implements Activations, SequenceState {
  /** Creates one. */
  public Foreign() {}

  @Override
  public int length() {
    return 0;
  }

  @Override
  public long bytes() {
    return 0;
  }

  @Override
  public SequenceState fork() {
    return new Foreign();
  }

  @Override
  public StateImage image(long since) {
    return new StateImage("foreign", 1, true, Map.of(), Set.of());
  }

  @Override
  public void close() {}
}
