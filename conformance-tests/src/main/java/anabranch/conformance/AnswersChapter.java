package anabranch.conformance;

import anabranch.conformance.space.Case;
import anabranch.conformance.trial.Answered;
import anabranch.conformance.trial.Subject;
import anabranch.conformance.trial.Trial;
import anabranch.conformance.trial.Walk;
import anabranch.engine.Policy;
import anabranch.model.ModelSpec;
import anabranch.model.facts.Cut;
import anabranch.model.facts.Point;
import anabranch.model.plan.Criterion;
import anabranch.model.plan.Exit;
import anabranch.model.plan.Head;
import anabranch.model.plan.Loop;
import anabranch.model.plan.Part;
import anabranch.model.plan.Plan;
import anabranch.weights.MemoryWeights;
import anabranch.weights.Tensor;
import anabranch.weights.Weights;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Every unit answers with the right numbers, wherever it leaves. */
public interface AnswersChapter extends Subject {
  /** Intent: the arithmetic of every part of the description language, before any exit. */
  @Test
  @Rule({"T10", "I7", "A1", "A2", "A8", "A19", "A20", "A23", "A24", "R7", "R11", "R12"})
  default void everyUnitAnswersAsTheOracleAtFullDepth() {
    Trial.forEach(
        this,
        trial -> {
          Policy policy = Policy.fullDepth();
          trial.judge(policy, trial.by(policy).run(trial.subject.sequences()));
        });
  }

  /** Intent: scores, the rows that stay, and the frozen rows they read. */
  @Test
  @Rule({"X13", "X18", "A11", "D9"})
  default void everyUnitAnswersAsTheOracleWhereAPolicyLetsItLeave() {
    Trial.forEach(
        this,
        trial -> {
          Policy policy = trial.halfLeave();
          trial.judge(policy, trial.by(policy).run(trial.subject.sequences()));
        });
  }

  /** Intent: any pattern of exits, also those that no threshold would give. */
  @Test
  @Rule({"A12", "X17", "X18", "I1"})
  default void everyUnitAnswersAsTheOracleWhereItIsForcedToLeave() {
    Trial.forEach(
        this,
        trial -> {
          for (long seed = 0; seed < 2; seed++) {
            List<List<Integer>> exits = trial.subject.anyExits(seed);
            trial.judge(exits, trial.forced(exits, seed).run(trial.subject.sequences()));
            trial.judge(
                exits,
                trial.forced(exits, seed).scoringLeaversOnly().run(trial.subject.sequences()));
          }
        });
  }

  /** Intent: an exit is the end of a shorter model; nothing behind it reaches what left there. */
  @Test
  @Rule({"X17"})
  default void leavingEarlyIsTheModelThatEndsThere() {
    Trial.forEach(
        this,
        trial -> {
          ModelSpec spec = trial.subject.spec();
          List<Part> order = spec.plan().order();
          if (!plain(spec)) {
            return;
          }
          for (Integer step : trial.subject.exitSteps()) {
            if (!(Cut.of(spec).steps().get(step).stage().point() instanceof Point.AtExit at)) {
              continue;
            }
            Exit exit = at.exit();
            List<Part> before = new ArrayList<>(order.subList(0, order.indexOf(exit)));
            before.removeIf(Exit.class::isInstance);
            ModelSpec shorter = ending(spec, before, exit.head());
            Case ends = trial.subject.with(renamed(shorter, trial.subject.weights(), at.path()));
            sameAnswers(trial, trial.forced(all(trial.subject, step)), described(ends, shorter));
          }
        });
  }

  /** Intent: a policy that fires nowhere costs nothing but the work. */
  @Test
  @Rule({"T10", "X13"})
  default void fullDepthIsTheModelWithoutExits() {
    Trial.forEach(
        this,
        trial -> {
          ModelSpec spec = trial.subject.spec();
          if (!plain(spec)) {
            return;
          }
          List<Part> order = new ArrayList<>(spec.plan().order());
          order.removeIf(Exit.class::isInstance);
          ModelSpec without = ending(spec, order, spec.head());
          Case ends = trial.subject.with(renamed(without, trial.subject.weights(), "head"));
          sameAnswers(trial, trial.by(Policy.fullDepth()), described(ends, without));
        });
  }

  /** Returns whether a model has no decision between stages but exits. */
  private static boolean plain(ModelSpec spec) {
    return spec.encoder() == null
        && spec.plan().order().stream()
            .allMatch(
                part ->
                    part instanceof Exit exit && exit.criterion().score() != Criterion.Score.CHOSEN
                        || part instanceof Part.Run
                        || part instanceof Part.Mean
                        || part instanceof Loop loop && loop.until() == null);
  }

  private static ModelSpec ending(ModelSpec spec, List<Part> order, Head head) {
    Plan plan = new Plan(spec.plan().blocks(), order, Map.of(), null);
    return new ModelSpec(spec.name(), spec.width(), spec.input(), spec.embedding(), plan, head);
  }

  private static Case described(Case subject, ModelSpec other) {
    return new Case(subject.name() + ", ending", other, subject.weights(), subject.sequences());
  }

  private static List<List<Integer>> all(Case subject, int step) {
    return subject.sequences().stream()
        .map(sequence -> Collections.nCopies(subject.units(sequence), step))
        .toList();
  }

  private void sameAnswers(Trial trial, Walk walk, Case other) {
    List<Answered> answers = walk.run(trial.subject.sequences());
    Trial.of(
        this,
        other,
        shorter -> {
          List<Answered> expected = shorter.by(Policy.fullDepth()).run(other.sequences());
          for (int item = 0; item < answers.size(); item++) {
            Answered left = answers.get(item);
            Answered ended = expected.get(item);
            for (int unit = 0; unit < left.exits.length; unit++) {
              if (!sameExperts(left, ended)) {
                continue;
              }
              trial.judge.apart(
                  "item " + item + " unit " + unit + " logits",
                  ended.logits[unit],
                  left.logits[unit]);
            }
          }
        });
  }

  private static boolean sameExperts(Answered left, Answered ended) {
    return ended.experts.entrySet().stream()
        .allMatch(entry -> Arrays.deepEquals(entry.getValue(), left.experts.get(entry.getKey())));
  }

  /** Returns the weights that a part of a model needs, its head taken from {@code headPath}. */
  private static Weights renamed(ModelSpec part, Weights whole, String headPath) {
    List<Tensor> tensors = new ArrayList<>();
    part.parameters()
        .forEach(
            parameter -> {
              String name = parameter.name();
              String from =
                  name.startsWith("head.") ? headPath + name.substring("head".length()) : name;
              Tensor tensor = whole.tensor(from);
              tensors.add(new Tensor(name, tensor.type(), tensor.shape(), tensor.bytes()));
            });
    return MemoryWeights.of(tensors);
  }
}
