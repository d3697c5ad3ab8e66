package anabranch.conformance.golden.recorded;

import anabranch.backend.Backend;
import anabranch.conformance.space.Sequence;
import anabranch.model.ModelSpec;
import anabranch.weights.Weights;
import java.util.List;

/** A description with its weights, ready to run. Confined to one thread. */
public interface Runner extends AutoCloseable {
  /** Returns the outcomes of sequences that run together, in order. */
  List<Outcome> run(List<Sequence> together, Leaving leaving);

  @Override
  void close();

  /** Makes descriptions ready to run. */
  interface Place {
    /** Returns a runner; the weights may be closed once it is closed. */
    Runner load(ModelSpec spec, Weights weights);
  }

  /** Returns the place where whole items run in double precision. */
  static Place onOracle() {
    return OracleRunner::new;
  }

  /**
   * Returns the place where a backend runs: under an engine, or step by step where sequences have
   * several events or see each other.
   */
  static Place on(Backend backend) {
    return (spec, weights) -> new BackendRunner(backend, spec, weights);
  }
}
