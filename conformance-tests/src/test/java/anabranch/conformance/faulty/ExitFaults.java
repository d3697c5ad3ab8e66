package anabranch.conformance.faulty;

import static anabranch.conformance.faulty.Faults.fault;
import static anabranch.conformance.faulty.Faults.named;

import anabranch.backend.LoadedModel;
import anabranch.backend.StageBatch;
import anabranch.backend.StageResult;
import anabranch.conformance.faulty.Faults.Fault;
import anabranch.model.Exit;
import anabranch.model.Head;
import anabranch.weights.Tensor;
import anabranch.weights.Weights;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;

/** Units that leave with a wrong score or answer. */
final class ExitFaults {
  private ExitFaults() {}

  static List<Fault> all() {
    return List.of(
        fault(
            "the score is that of another criterion",
            new Rewritten() {
              @Override
              Exit change(Exit exit) {
                Exit.Criterion.Score[] scores = Exit.Criterion.Score.values();
                Exit.Criterion.Score next =
                    scores[(exit.criterion().score().ordinal() + 1) % scores.length];
                return new Exit(
                    exit.id(),
                    exit.head(),
                    new Exit.Criterion(next, exit.criterion().comparison()),
                    exit.bypass());
              }
            },
            "everyUnitAnswersAsTheOracleWhereAPolicyLetsItLeave"),
        fault(
            "exits answer with the final head",
            new Broken() {
              @Override
              Tensor change(Tensor tensor, Weights all) {
                return tensor.name().matches("exits\\.[^.]*\\.weight")
                    ? named(tensor.name(), all.tensor("head.weight"))
                    : tensor;
              }
            },
            "everyUnitAnswersAsTheOracleWhereItIsForcedToLeave",
            "leavingEarlyIsTheModelThatEndsThere"),
        fault(
            "the end answers with the head of an exit",
            new Broken() {
              @Override
              Tensor change(Tensor tensor, Weights all) {
                return tensor.name().equals("head.weight")
                    ? all.names().stream()
                        .filter(name -> name.matches("exits\\.[^.]*\\.weight"))
                        .findFirst()
                        .map(name -> named("head.weight", all.tensor(name)))
                        .orElse(tensor)
                    : tensor;
              }
            },
            "fullDepthIsTheModelWithoutExits"),
        fault(
            "exit heads have no norm",
            new Rewritten() {
              @Override
              Exit change(Exit exit) {
                Head head = exit.head();
                return new Exit(
                    exit.id(),
                    new Head(head.pool(), null, head.outputs(), head.bias()),
                    exit.criterion(),
                    exit.bypass());
              }
            },
            "everyUnitAnswersAsTheOracleWhereAPolicyLetsItLeave"),
        fault(
            "outputs come in the order of the batch",
            new Broken() {
              @Override
              StageResult run(LoadedModel model, int stage, StageBatch batch) {
                return new Told(super.run(model, stage, batch)) {
                  @Override
                  public void output(int[] units, ByteBuffer into) {
                    super.output(Arrays.stream(units).sorted().toArray(), into);
                  }
                };
              }
            },
            "everyUnitAnswersAsTheOracleWhereItIsForcedToLeave"),
        fault(
            "outputs are big-endian whatever the buffer says",
            new Broken() {
              @Override
              StageResult run(LoadedModel model, int stage, StageBatch batch) {
                return new Told(super.run(model, stage, batch)) {
                  @Override
                  public void output(int[] units, ByteBuffer into) {
                    ByteOrder order = into.order();
                    super.output(units, into.order(ByteOrder.BIG_ENDIAN));
                    into.order(order);
                  }
                };
              }
            },
            "anEngineAnswersAsTheOracle"));
  }
}
