package anabranch.conformance.faulty;

import static anabranch.conformance.faulty.Faults.fault;
import static anabranch.conformance.faulty.Faults.zero;

import anabranch.backend.Event;
import anabranch.backend.LoadedModel;
import anabranch.backend.StageBatch;
import anabranch.backend.StageResult;
import anabranch.backend.Trace;
import anabranch.conformance.faulty.Faults.Fault;
import anabranch.error.DescriptionException;
import anabranch.model.ModelSpec;
import anabranch.model.facts.Requirements;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Parameter;
import anabranch.model.route.Gate;
import anabranch.model.route.Logits;
import anabranch.model.route.Placement;
import anabranch.model.route.Preference;
import anabranch.model.route.Router;
import anabranch.model.route.Source;
import anabranch.weights.MemoryWeights;
import anabranch.weights.Tensor;
import anabranch.weights.Weights;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Experts that are picked or weighed wrongly. */
final class RoutingFaults {
  private RoutingFaults() {}

  static List<Fault> all() {
    return List.of(
        fault(
            "in a batch the first experts of all rows are added to the first row",
            new BatchedExperts(),
            "allExpertsOnIsTheWeightedSumOfDenseNetworks"),
        fault(
            "rows without a key have one in common",
            new Broken() {
              @Override
              StageResult run(LoadedModel model, int stage, StageBatch batch) {
                return super.run(
                    model,
                    stage,
                    Regrouped.replaced(batch, event -> event.hasKey() ? event : event.keyed(0)));
              }
            },
            "rowsWithoutAKeyAreRefusedWhereSomethingIsDrawn"),
        fault(
            "a condition that is missing is zero",
            new Broken() {
              @Override
              StageResult run(LoadedModel model, int stage, StageBatch batch) {
                int numbers = Requirements.of(model.spec()).condition();
                return super.run(
                    model,
                    stage,
                    Regrouped.replaced(
                        batch,
                        event ->
                            event.conditionLength() == 0
                                ? event.conditioned(new float[numbers])
                                : event));
              }
            },
            "rowsWithoutTheirConditionAreRefused"),
        fault(
            "weights that add up to 0 are 0",
            new Rewritten() {
              @Override
              Router change(Router router) {
                Gate gate = router.gate();
                return gate.normalise() != null && gate.normalise().epsilon() == 0
                    ? router.with(new Gate(gate.of(), new Gate.Normalise(1e-9), gate.scale()))
                    : router;
              }
            },
            "weightsThatAddUpToNothingAreRefusedByRowAndMember"),
        fault(
            "the row is read in place of a condition",
            new Rewritten() {
              @Override
              Router change(Router router) {
                return router.logits() instanceof Logits.Conditioned conditioned
                        && conditioned.numbers() == 12
                    ? router.with(Source.HIDDEN, new Logits.Linear(conditioned.bias()))
                    : router;
              }
            },
            "rowsUnderOneConditionSeeTheSameExpertsWhateverTheyAre"),
        fault(
            "the first condition of a call holds for all",
            new Broken() {
              @Override
              StageResult run(LoadedModel model, int stage, StageBatch batch) {
                Event first = batch.spans().get(0).rows().event(0);
                return super.run(
                    model, stage, Regrouped.replaced(batch, event -> event.under(first)));
              }
            },
            "rowsUnderOneConditionSeeTheSameExpertsWhateverTheyAre"),
        fault(
            "ties go to the higher expert",
            new Rewritten() {
              @Override
              Preference change(Preference preference) {
                return new Preference(true, preference.groups(), preference.always());
              }
            },
            "tiesGoToTheLowerExpert"),
        fault(
            "gates are not normalised",
            new Rewritten() {
              @Override
              Gate change(Gate gate) {
                return new Gate(gate.of(), null, gate.scale(), gate.jitter());
              }
            },
            "gatesOfOneTokenSumToOneWhereNormalised",
            "equalExpertsAreOnePlainNetwork"),
        fault(
            "softmax over the selected where over all",
            new Rewritten() {
              @Override
              Gate change(Gate gate) {
                return gate.of() == Gate.Of.SCORE
                    ? new Gate(Gate.Of.SOFTMAX_OF_SELECTED, gate.normalise(), gate.scale())
                    : gate;
              }

              @Override
              ModelSpec change(ModelSpec spec) {
                try {
                  return super.change(spec);
                } catch (DescriptionException misfit) {
                  return spec;
                }
              }
            },
            "everyNamedRouterPicksAsTheOracle"),
        fault(
            "groups are ignored",
            new Rewritten() {
              @Override
              Preference change(Preference preference) {
                return new Preference(preference.correction(), null, preference.always());
              }
            },
            "everyNamedRouterPicksAsTheOracle"),
        fault(
            "members that are always picked compete like others",
            new Rewritten() {
              @Override
              Preference change(Preference preference) {
                return new Preference(preference.correction(), preference.groups());
              }
            },
            "everyNamedRouterPicksAsTheOracle",
            "A24"),
        fault(
            "the correction is ignored",
            new Broken() {
              @Override
              Tensor change(Tensor tensor, Weights all) {
                return tensor.name().endsWith("router.correction") ? zero(tensor) : tensor;
              }
            },
            "everyNamedRouterPicksAsTheOracle",
            "recordedMixturesPickAndAnswerAsTheirOriginals"),
        fault(
            "the gate multiplies the result where the input",
            new Rewritten() {
              @Override
              Placement change(Placement placement) {
                return Placement.OUTPUT;
              }
            },
            "everyNamedRouterPicksAsTheOracle"),
        fault(
            "a learned router where hashes choose",
            new Rewritten() {
              @Override
              Router change(Router router) {
                return router.source() != Source.TOKEN_ID
                    ? router
                    : router.with(Source.HIDDEN, new Logits.Linear(false));
              }

              @Override
              Tensor added(Parameter parameter) {
                float[] values = new float[(int) parameter.elements()];
                for (int i = 0; i < values.length; i++) {
                  values[i] = (float) Math.sin(7 * i);
                }
                return MemoryWeights.tensor(parameter.name(), parameter.shape(), values);
              }
            },
            "hashedRowsOfOneTokenSeeOneExpert"),
        fault(
            "hidden layers of routers are cut at zero",
            new Rewritten() {
              @Override
              Router change(Router router) {
                return router.logits() instanceof Logits.Network network
                    ? router.with(
                        router.source(),
                        new Logits.Network(network.inner(), Activation.RELU, network.bias()))
                    : router;
              }
            },
            "everyNamedRouterPicksAsTheOracle"),
        fault(
            "sums of routers begin anew in each layer",
            new Rewritten() {
              @Override
              Router change(Router router) {
                return router.logits() instanceof Logits.Accumulated sum
                    ? router.with(Source.HIDDEN, new Logits.Accumulated(sum.as(), null, sum.bias()))
                    : router;
              }
            },
            "carriedLogitsAreThoseOfTheEarlierRouter",
            "recordedRowsSkipWhatTheirOriginalsSkipped"),
        fault(
            "the traced gates are shares of one",
            new Broken() {
              @Override
              StageResult run(LoadedModel model, int stage, StageBatch batch) {
                return new Told(super.run(model, stage, batch)) {
                  @Override
                  public Trace trace() {
                    List<Trace.Choices> equal = new ArrayList<>();
                    for (Trace.Choices told : super.trace().choices()) {
                      float[] gates = new float[told.gates().remaining()];
                      Arrays.fill(gates, 1f / told.k());
                      equal.add(
                          new Trace.Choices(
                              told.path(),
                              told.visit(),
                              told.k(),
                              told.experts(),
                              FloatBuffer.wrap(gates),
                              told.ran()));
                    }
                    return new Trace(equal);
                  }
                };
              }
            },
            "allExpertsOnIsTheWeightedSumOfDenseNetworks",
            "everyNamedRouterPicksAsTheOracle"));
  }
}
