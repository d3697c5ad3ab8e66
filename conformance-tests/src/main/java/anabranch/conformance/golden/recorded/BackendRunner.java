package anabranch.conformance.golden.recorded;

import anabranch.backend.LoadedModel;
import anabranch.conformance.space.Sequence;
import anabranch.conformance.trial.Answered;
import anabranch.conformance.trial.Deciding;
import anabranch.conformance.trial.Subject;
import anabranch.conformance.trial.Trial;
import anabranch.conformance.trial.Walk;
import anabranch.engine.Engine;
import anabranch.engine.EngineOptions;
import anabranch.engine.Inference;
import anabranch.engine.Item;
import anabranch.engine.Policy;
import anabranch.model.ModelSpec;
import anabranch.model.facts.Dependence;
import anabranch.weights.Weights;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Runs a backend: whole items under an engine, which batches them as it likes; items of several
 * events, and items that see each other, in one call for each step.
 */
final class BackendRunner implements Runner {
  private final LoadedModel model;
  private final Engine engine;
  private final boolean alone;
  private final boolean ofItem;
  private final double allowed;

  BackendRunner(Subject kit, ModelSpec spec, Weights weights) {
    model = kit.backend().load(spec, weights, Trial.accepting(kit.options(), spec));
    allowed = kit.tolerance(model.numerics()).of(new double[] {1});
    engine = Engine.open(model, Policy.fullDepth(), EngineOptions.defaults().withTrace(true));
    alone = Dependence.of(spec) != Dependence.BATCH;
    ofItem = spec.head().pool().ofItem();
  }

  @Override
  public List<Outcome> run(List<Sequence> together, Leaving leaving) {
    Policy policy = new Policy("recorded", leaving.thresholds());
    boolean whole = together.stream().allMatch(sequence -> sequence.events().size() == 1);
    return alone && whole ? items(together, policy, leaving) : walk(together, policy, leaving);
  }

  private List<Outcome> items(List<Sequence> together, Policy policy, Leaving leaving) {
    List<CompletableFuture<Inference>> answers = new ArrayList<>();
    for (Sequence sequence : together) {
      Item item = Item.of("line " + answers.size(), sequence.events().get(0)).withPolicy(policy);
      if (sequence.memory() != null) {
        item = item.reading(sequence.memory());
      }
      if (leaving.step() != null) {
        item = item.withForcedExits(everyUnit(sequence, leaving.step()));
      }
      answers.add(engine.submit(item));
    }
    return answers.stream().map(CompletableFuture::join).map(Outcome::of).toList();
  }

  private List<Outcome> walk(List<Sequence> together, Policy policy, Leaving leaving) {
    Deciding deciding = Deciding.by(policy);
    Integer step = leaving.step();
    if (step != null) {
      deciding = Deciding.forced(together.stream().map(each -> everyUnit(each, step)).toList(), 0);
    }
    List<Answered> answers = new Walk(model, deciding).run(together);
    return answers.stream().map(Outcome::of).toList();
  }

  private List<Integer> everyUnit(Sequence sequence, int step) {
    return Collections.nCopies(ofItem ? sequence.events().size() : sequence.rows(), step);
  }

  @Override
  public double allowed() {
    return allowed;
  }

  @Override
  public void close() {
    engine.close();
  }
}
