package anabranch.conformance.golden.recorded;

import anabranch.conformance.space.Sequence;
import anabranch.conformance.trial.Subject;
import anabranch.model.ModelSpec;
import anabranch.weights.Weights;
import java.util.List;

/** A description with its weights, ready to run. Confined to one thread. */
public interface Runner extends AutoCloseable {
  /** Returns the outcomes of sequences that run together, in order. */
  List<Outcome> run(List<Sequence> together, Leaving leaving);

  /** Returns how far numbers of the size of 1 are declared to be from exact ones. */
  double allowed();

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
   * Returns the place where the backend under test runs: under an engine, or step by step where
   * sequences have several events or see each other.
   */
  static Place on(Subject kit) {
    return (spec, weights) -> new BackendRunner(kit, spec, weights);
  }
}
