package anabranch.samples.checkpoint;

import anabranch.model.ModelSpec;
import anabranch.model.facts.Cost;
import anabranch.model.facts.Cut;
import anabranch.model.facts.StateLayout;
import anabranch.model.facts.Step;
import anabranch.model.facts.Visit;
import anabranch.model.layer.Attention;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Operation;
import anabranch.model.layer.Parameter;
import anabranch.model.layer.RoutedHeads;

/**
 * What a description says about the size of its model. Immutable.
 *
 * @param parameters numbers that are learned
 * @param active floating-point operations of the first token, where routers let as many experts run
 *     as they ever do
 * @param full the same if every expert ran
 * @param stateOfToken bytes that each token adds to the state of its sequence
 * @param state bytes that a sequence keeps whatever its length
 */
record Figures(long parameters, long active, long full, long stateOfToken, long state) {
  static Figures of(ModelSpec spec) {
    long active = Cost.of(spec).full(1, 1);
    StateLayout layout = StateLayout.of(spec);
    return new Figures(
        spec.parameters().stream().mapToLong(Parameter::elements).sum(),
        active,
        active + atRest(spec),
        layout.bytes(1, 0) - layout.bytes(0, 0),
        layout.bytes(0, 0));
  }

  /** Returns the operations of all experts that do not run. */
  private static long atRest(ModelSpec spec) {
    long sum = 0;
    for (Step step : Cut.of(spec).steps()) {
      for (Visit visit : step.stage().visits()) {
        for (Visit.Member member : visit.blocks()) {
          for (Operation operation : member.block().operations()) {
            sum += atRest(spec.width(), operation);
          }
        }
      }
    }
    return sum;
  }

  private static long atRest(int width, Operation operation) {
    if (operation instanceof Mixture mixture) {
      FeedForward expert = mixture.expert();
      int run = Math.min(mixture.experts(), mixture.router().selection().most(mixture.members()));
      long each = 2L * (expert.gated() ? 3 : 2) * width * expert.inner();
      return (mixture.experts() - run) * each;
    } else if (operation instanceof Attention attention && attention.routed() != null) {
      RoutedHeads routed = attention.routed();
      return (routed.experts() - routed.k()) * 4L * width * attention.queryWidth();
    } else if (operation instanceof Attention attention && attention.projections() != null) {
      Attention.RoutedProjections projections = attention.projections();
      long heads = (long) attention.heads() + attention.keyValueHeads();
      return (projections.experts() - projections.k()) * 2L * heads * width * attention.headWidth();
    }
    return 0;
  }
}
