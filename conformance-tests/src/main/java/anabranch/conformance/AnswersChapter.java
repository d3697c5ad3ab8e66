package anabranch.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;

import anabranch.engine.Engine;
import anabranch.engine.EngineOptions;
import anabranch.engine.Inference;
import anabranch.engine.Item;
import anabranch.engine.Policy;
import anabranch.model.Exit;
import anabranch.model.ModelSpec;
import anabranch.model.Plan;
import anabranch.weights.MemoryWeights;
import anabranch.weights.Tensor;
import anabranch.weights.Weights;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Every unit answers with the right numbers, wherever it leaves. */
public interface AnswersChapter extends Subject {
  /** Intent: the arithmetic of every part of the description language, before any exit. */
  @Test
  default void everyUnitAnswersAsTheOracleAtFullDepth() {
    Trial.forEach(
        this,
        trial -> {
          Policy policy = Policy.fullDepth();
          trial.judge(policy, trial.by(policy).run(trial.subject.events()));
        });
  }

  /** Intent: scores, the rows that stay, and the frozen rows they read. */
  @Test
  default void everyUnitAnswersAsTheOracleWhereAPolicyLetsItLeave() {
    Trial.forEach(
        this,
        trial -> {
          Policy policy = trial.subject.halfLeave(trial.oracle);
          trial.judge(policy, trial.by(policy).run(trial.subject.events()));
        });
  }

  /** Intent: any pattern of exits, also those that no threshold would give. */
  @Test
  default void everyUnitAnswersAsTheOracleWhereItIsForcedToLeave() {
    Trial.forEach(
        this,
        trial -> {
          for (long seed = 0; seed < 2; seed++) {
            List<List<Integer>> exits = trial.subject.anyExits(seed);
            trial.judge(exits, trial.forced(exits).run(trial.subject.events()));
            trial.judge(
                exits, trial.forced(exits).scoringLeaversOnly().run(trial.subject.events()));
          }
        });
  }

  /** Intent: the backend and the engine agree about the contract between them. */
  @Test
  default void anEngineAnswersAsTheOracle() {
    Trial.forEach(
        this,
        trial -> {
          Policy policy = trial.subject.halfLeave(trial.oracle);
          List<List<Integer>> exits = trial.subject.anyExits(7);
          int rows = trial.subject.events().stream().mapToInt(event -> event.rows()).sum();
          EngineOptions together =
              EngineOptions.defaults()
                  .withTrace(true)
                  .withLinger(Duration.ofSeconds(10))
                  .withBatchRows(rows);
          int points = exits(trial.subject.spec()).size() + 1;
          try (Engine engine = Engine.open(trial.model, policy, together)) {
            List<Item> free = new ArrayList<>();
            List<Item> forced = new ArrayList<>();
            for (int i = 0; i < exits.size(); i++) {
              Item item = Item.of("item" + i, trial.subject.events().get(i));
              free.add(item);
              forced.add(item.withForcedExits(exits.get(i)));
            }
            trial.judge(policy, answers(engine, free, points));
            trial.judge(exits, answers(engine, forced, points));
          }
        });
  }

  /** Intent: an exit is the end of a shorter model; nothing behind it reaches what left there. */
  @Test
  default void leavingEarlyIsTheModelThatEndsThere() {
    Trial.forEach(
        this,
        trial -> {
          ModelSpec spec = trial.subject.spec();
          List<Exit> exits = exits(spec);
          for (int point = 0; point < exits.size(); point++) {
            Exit exit = exits.get(point);
            int at = point;
            List<List<Integer>> all =
                trial.subject.events().stream()
                    .map(event -> List.of(filled(trial.subject.units(event), at)))
                    .toList();
            ModelSpec shorter =
                new ModelSpec(
                    spec.name(),
                    spec.width(),
                    spec.input(),
                    spec.embedding(),
                    new Plan(
                        List.copyOf(
                            spec.plan().blocks().subList(0, spec.plan().depthOf(exit.id())))),
                    exit.head());
            Case ends =
                new Case(
                    "cut at " + exit.id(),
                    shorter,
                    renamed(shorter, trial.subject.weights(), "exits." + exit.id()),
                    trial.subject.events());
            sameAnswers(trial, trial.forced(all), ends);
          }
        });
  }

  /** Intent: a policy that fires nowhere costs nothing but the work. */
  @Test
  default void fullDepthIsTheModelWithoutExits() {
    Trial.forEach(
        this,
        trial -> {
          ModelSpec spec = trial.subject.spec();
          ModelSpec without =
              new ModelSpec(
                  spec.name(),
                  spec.width(),
                  spec.input(),
                  spec.embedding(),
                  new Plan(List.copyOf(spec.plan().blocks())),
                  spec.head());
          Case plain =
              new Case(
                  "without exits",
                  without,
                  renamed(without, trial.subject.weights(), "head"),
                  trial.subject.events());
          sameAnswers(trial, trial.by(Policy.fullDepth()), plain);
        });
  }

  private void sameAnswers(Trial trial, Walk walk, Case other) {
    List<Answered> answers = walk.run(trial.subject.events());
    Trial.of(
        this,
        other,
        shorter -> {
          List<Answered> expected = shorter.by(Policy.fullDepth()).run(other.events());
          for (int item = 0; item < answers.size(); item++) {
            Answered left = answers.get(item);
            Answered ended = expected.get(item);
            for (int unit = 0; unit < left.exits.length; unit++) {
              if (!sameExperts(left, ended)) {
                continue;
              }
              float[] logits = ended.logits[unit];
              trial.judge.close(
                  "item " + item + " unit " + unit + " logits",
                  IntStream.range(0, logits.length).mapToDouble(i -> logits[i]).toArray(),
                  left.logits[unit]);
            }
          }
        });
  }

  private static boolean sameExperts(Answered left, Answered ended) {
    return ended.replay().entrySet().stream()
        .allMatch(entry -> entry.getValue().equals(left.replay().get(entry.getKey())));
  }

  private static Integer[] filled(int units, int point) {
    return IntStream.range(0, units).mapToObj(unit -> point).toArray(Integer[]::new);
  }

  private static List<Exit> exits(ModelSpec spec) {
    return spec.plan().exits();
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

  private static List<Answered> answers(Engine engine, List<Item> items, int points) {
    List<CompletableFuture<Inference>> futures = engine.submitAll(items);
    List<Answered> answers = new ArrayList<>();
    for (int i = 0; i < items.size(); i++) {
      Inference inference = futures.get(i).join();
      answers.add(Answered.by(inference, items.get(i).event().rows(), points));
      List<Integer> depths = new ArrayList<>();
      List<Integer> exact = new ArrayList<>();
      List<Exit> exits = exits(engine.spec());
      for (int unit = 0; unit < inference.units(); unit++) {
        int point = inference.exit(unit);
        depths.add(inference.depth(unit));
        exact.add(
            point < exits.size()
                ? engine.spec().plan().depthOf(exits.get(point).id())
                : engine.spec().plan().blocks().size());
      }
      assertEquals(exact, depths, "depths of " + inference.item());
    }
    return answers;
  }
}
