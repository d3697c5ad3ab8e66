package anabranch.conformance;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.Event;
import anabranch.conformance.space.Case;
import anabranch.conformance.space.Rewrite;
import anabranch.conformance.space.Sequence;
import anabranch.conformance.space.Shapes;
import anabranch.conformance.space.Unsliced;
import anabranch.conformance.trial.Answered;
import anabranch.conformance.trial.Subject;
import anabranch.conformance.trial.Trial;
import anabranch.conformance.trial.Walk;
import anabranch.engine.Policy;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Attention;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Mixture;
import anabranch.model.route.Capacity;
import anabranch.model.route.Gate;
import anabranch.model.route.Logits;
import anabranch.model.route.Preference;
import anabranch.model.route.Router;
import anabranch.model.route.Routers;
import anabranch.model.route.Score;
import anabranch.model.route.Selection;
import anabranch.model.route.Source;
import anabranch.weights.MemoryWeights;
import anabranch.weights.Tensor;
import anabranch.weights.Weights;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Rows see the right experts, with the right weights. */
public interface RoutingChapter extends Subject {
  /** Intent: the eight steps of each router that has a name. */
  @Test
  @Rule({
    "R0", "R1", "R2", "R3", "R4.1", "R4.3", "R4.4", "R4.5", "R5", "R6", "R6.1", "R6.2", "R6.3",
    "R10", "I4"
  })
  default void everyNamedRouterPicksAsTheOracle() {
    Map<String, Router> named = new LinkedHashMap<>();
    named.put("switchTop1", Routers.switchTop1());
    named.put("mixtral", Routers.mixtral(2));
    named.put("olmoe", Routers.olmoe(3));
    named.put("gptOss", Routers.gptOss(2));
    named.put("deepseekV3", Routers.deepseekV3(3, new Preference.Groups(3, 2, 2, false), 2.5));
    named.put("deepseekV3ToZero", Routers.deepseekV3(3, new Preference.Groups(3, 2, 1, true), 1));
    named.put("llama4", Routers.llama4(1));
    named.put("switchHead", Routers.switchHead(2));
    named.put("ernie45", Routers.ernie45(3));
    named.put("longcat", Routers.longcat(3, 6));
    named.put("glm4Moe", Routers.glm4Moe(2, 1.5));
    named.put("deepseekV2", Routers.deepseekV2(2, 3, 2, 4));
    named.put("granite", Routers.granite(2));
    named.put("sparseMixer", Routers.sparseMixer(0.2));
    named.put(
        "network",
        Routers.olmoe(2).with(Source.HIDDEN, new Logits.Network(5, Activation.TANH, true)));
    named.put("mohd", Routers.mohd(2, 1));
    named.put("switchDit", Routers.switchDit(4, 2, true));
    named.put("hash", Routers.hash(-42));
    named.put("hashTable", Routers.hashTable(20));
    named.put("thor", Routers.thor(5));
    named.put("thorOfSequence", Routers.thorOfSequence(5));
    named.put("expertChoice", Routers.expertChoice(share(1)));
    named.put("adaptiveComputation", Routers.adaptiveComputation(true));
    for (Capacity.Priority priority : Capacity.Priority.values()) {
      for (Capacity.Population population : Capacity.Population.values()) {
        Capacity limited = new Capacity.Limited(share(0.75), population, priority);
        named.put("switchTop1 " + limited, Routers.switchTop1(limited));
        named.put("stMoe " + limited, Routers.stMoe(null, limited));
        named.put("nllb " + limited, Routers.nllb(true, 0.8, limited));
      }
    }
    Capacity unlimited = new Capacity.Unlimited();
    named.put("stMoe secondary", Routers.stMoe(new Selection.Secondary(0.4, null), unlimited));
    named.put("stMoe random", Routers.stMoe(new Selection.Secondary(0.6, 3L), unlimited));
    named.forEach(
        (name, router) ->
            Trial.of(
                this,
                Case.of(Shapes.routed(router, 6), 11, 12, 5),
                trial -> {
                  Policy policy = Policy.fullDepth();
                  trial.judge(policy, trial.by(policy).run(trial.subject.sequences()));
                }));
  }

  private static Capacity.Size share(double factor) {
    return new Capacity.Size.Share(factor, 1, Capacity.Rounding.CEIL);
  }

  /** Intent: equal preferences, which rounding cannot excuse: logits are exactly the biases. */
  @Test
  @Rule({"R8"})
  default void tiesGoToTheLowerExpert() {
    ties(Routers.mixtral(3), new float[6], List.of(0, 1, 2));
    ties(Routers.gptOss(3), new float[] {-1, 2, 0.5f, 0.5f, 2, 0.5f}, List.of(1, 4, 2));
    ties(
        Routers.deepseekV3(2, new Preference.Groups(3, 1, 2, false), 1),
        new float[] {-1, 1, 0.5f, 1, 1, 0.5f},
        List.of(3, 2));
  }

  private void ties(Router router, float[] offsets, List<Integer> expected) {
    Case drawn = Case.of(Shapes.routed(router, 6), 12, 4);
    Weights weights =
        Shapes.changed(
            drawn.spec(),
            drawn.weights(),
            (name, tensor) -> {
              if (name.endsWith("router.weight")) {
                return Shapes.filled(tensor, 0);
              }
              boolean vector = name.endsWith("router.bias") || name.endsWith("router.correction");
              return vector ? MemoryWeights.tensor(name, tensor.shape(), offsets) : tensor;
            });
    Trial.of(
        this,
        new Case(drawn.name(), drawn.spec(), weights, drawn.sequences()),
        trial -> {
          Policy policy = Policy.fullDepth();
          List<Answered> answers = trial.by(policy).run(trial.subject.sequences());
          for (int[][] rows : answers.get(0).experts.values()) {
            for (int[] row : rows) {
              assertEquals(
                  expected, Arrays.stream(row).boxed().toList(), "experts that tie, " + router);
            }
          }
          trial.judge(policy, answers);
        });
  }

  /** Intent: normalised weights are shares, whatever the row. */
  @Test
  @Rule({"R5"})
  default void gatesOfOneTokenSumToOneWhereNormalised() {
    for (Router router : List.of(Routers.mixtral(3), Routers.gptOss(3))) {
      Trial.of(
          this,
          Case.of(Shapes.routed(router, 5), 13, 9, 4),
          trial -> {
            for (Answered answer : trial.by(Policy.fullDepth()).run(trial.subject.sequences())) {
              for (float[][] rows : answer.gates.values()) {
                for (float[] row : rows) {
                  double sum = 0;
                  for (float gate : row) {
                    sum += gate;
                  }
                  assertEquals(1, sum, tolerance(trial.model.numerics()).of(1.0), "sum of gates");
                }
              }
            }
          });
    }
  }

  /** Intent: weights that add up to 0 are no shares, and no answer is made of them. */
  @Test
  @Rule({"R5", "E5"})
  default void weightsThatAddUpToNothingAreRefusedByRowAndMember() {
    Trial.of(
        this,
        withoutLogits(Gate.normalisedScore()),
        trial -> {
          Walk walk = trial.by(Policy.fullDepth());
          RuntimeException failed =
              assertThrows(RuntimeException.class, () -> walk.run(trial.subject.sequences()));
          String text = String.valueOf(failed.getMessage());
          assertTrue(text.matches("(?s).*row 0.*(expert|member) 0.*"), "names both: " + text);
        });
    Trial.of(
        this,
        withoutLogits(new Gate(Gate.Of.SCORE, new Gate.Normalise(1e-9), 1)),
        trial -> {
          Policy full = Policy.fullDepth();
          trial.judge(full, trial.by(full).run(trial.subject.sequences()));
        });
  }

  private static Case withoutLogits(Gate gate) {
    Router router = Router.linear(Score.IDENTITY, new Selection.TopK(2)).with(gate);
    Case drawn = Case.of(Shapes.routed(router, 4), 16, 3);
    return drawn.with(
        Shapes.changed(
            drawn.spec(),
            drawn.weights(),
            (name, tensor) -> name.contains(".router.") ? Shapes.filled(tensor, 0) : tensor));
  }

  /** Intent: with every expert on, the mixture is the weighted sum of dense networks. */
  @Test
  @Rule({"R7"})
  default void allExpertsOnIsTheWeightedSumOfDenseNetworks() {
    int experts = 4;
    Case mixed =
        Case.of(Shapes.linear(new Mixture(experts, network(), Routers.olmoe(experts))), 14, 6);
    List<float[][]> dense = new ArrayList<>();
    for (int e = 0; e < experts; e++) {
      dense.add(logits(denseLike(mixed, e)));
    }
    Trial.of(
        this,
        mixed,
        trial -> {
          Answered answer = trial.by(Policy.fullDepth()).run(mixed.sequences()).get(0);
          String path = "blocks.0.mixture";
          for (int row = 0; row < answer.logits.length; row++) {
            double[] sum = new double[answer.logits[row].length];
            for (int i = 0; i < experts; i++) {
              int e = answer.experts.get(path)[row][i];
              for (int o = 0; o < sum.length; o++) {
                sum[o] += (double) answer.gates.get(path)[row][i] * dense.get(e)[row][o];
              }
            }
            trial.judge.close("row " + row + " logits", sum, answer.logits[row]);
          }
        });
  }

  /** Intent: where all experts are equal and gates are shares, routing changes nothing. */
  @Test
  @Rule({"R7"})
  default void equalExpertsAreOnePlainNetwork() {
    Case drawn = Case.of(Shapes.linear(new Mixture(5, network(), Routers.mixtral(2))), 15, 7);
    Weights equal =
        Shapes.changed(
            drawn.spec(),
            drawn.weights(),
            (name, tensor) -> {
              String first = name.replaceFirst("experts\\.\\d+\\.", "experts.0.");
              Tensor source = drawn.weights().tensor(first);
              return new Tensor(name, source.type(), source.shape(), source.bytes());
            });
    Case mixed = new Case(drawn.name(), drawn.spec(), equal, drawn.sequences());
    float[][] dense = logits(denseLike(mixed, 0));
    Trial.of(
        this,
        mixed,
        trial -> {
          Answered answer = trial.by(Policy.fullDepth()).run(mixed.sequences()).get(0);
          for (int row = 0; row < dense.length; row++) {
            trial.judge.apart("row " + row + " logits", dense[row], answer.logits[row]);
          }
        });
  }

  /** Intent: layers that are skipped together agree, whatever the row has become between them. */
  @Test
  @Rule("R13")
  default void carriedLogitsAreThoseOfTheEarlierRouter() {
    Case drawn = Case.of(Shapes.carrying(), 18, 9, 4);
    Trial.of(
        this,
        drawn,
        trial -> {
          Policy full = Policy.fullDepth();
          List<Answered> answers = trial.by(full).run(drawn.sequences());
          trial.judge(full, answers);
          for (Answered answer : answers) {
            for (int block = 0; block < 2; block++) {
              int[][] first = answer.experts.get("blocks." + block + ".first#0");
              int[][] second = answer.experts.get("blocks." + block + ".second#0");
              assertArrayEquals(first, second, "choices of block " + block);
            }
          }
        });
  }

  /** Intent: a common key would draw the same for every item that has none. */
  @Test
  @Rule("E7")
  default void rowsWithoutAKeyAreRefusedWhereSomethingIsDrawn() {
    Case drawn = Case.of(Shapes.routed(Routers.thor(3), 5), 17, 4);
    Sequence keyless = Sequence.of(Event.ofTokens(1, 2, 3, 4));
    Trial.of(
        this,
        drawn,
        trial -> {
          RuntimeException refused =
              assertThrows(
                  RuntimeException.class,
                  () -> trial.by(Policy.fullDepth()).run(List.of(keyless)),
                  "rows without a key");
          String text = String.valueOf(refused.getMessage());
          assertTrue(text.contains("(rule E7)"), text + " does not name its rule");
        });
  }

  /** Intent: a missing condition must not be taken for one, nor one of another length. */
  @Test
  @Rule("E7")
  default void rowsWithoutTheirConditionAreRefused() {
    Case drawn = Case.of(Shapes.routed(Routers.switchDit(3, 2, true), 5), 19, 4);
    Event event = Event.ofTokens(1, 2, 3, 4);
    for (Event unfit : List.of(event, event.conditioned(1, 2))) {
      Trial.of(
          this,
          drawn,
          trial -> {
            RuntimeException refused =
                assertThrows(
                    RuntimeException.class,
                    () -> trial.by(Policy.fullDepth()).run(List.of(Sequence.of(unfit))),
                    "rows under " + unfit.conditionLength() + " numbers");
            String text = String.valueOf(refused.getMessage());
            assertTrue(text.contains("(rule E7)"), text + " does not name its rule");
          });
    }
  }

  /**
   * Intent: a decision that is known with the condition can be tabled; each event has its own, also
   * where several are of one sequence.
   */
  @Test
  @Rule({"R0", "R1", "R14"})
  default void rowsUnderOneConditionSeeTheSameExpertsWhateverTheyAre() {
    int steps = 6;
    Case drawn = Case.of(Shapes.routed(Routers.switchDit(12, 2, true), 5), 20, 9, 7, 4);
    List<Sequence> sequences = new ArrayList<>();
    for (int step = 0; step < steps; step++) {
      for (Sequence sequence : drawn.sequences()) {
        sequences.add(Sequence.of(sequence.events().get(0).conditioned(condition(step))));
      }
    }
    Event first = Event.ofTokens(3, 1).conditioned(condition(0));
    Event second = Event.ofTokens(4, 1, 5).at(2).conditioned(condition(steps - 1));
    sequences.add(new Sequence(null, List.of(first, second)));
    Trial.of(
        this,
        drawn.with(sequences),
        trial -> {
          Policy full = Policy.fullDepth();
          List<Answered> answers = trial.by(full).run(sequences);
          trial.judge(full, answers);
          for (String path : answers.get(0).experts.keySet()) {
            Set<List<Integer>> tables = new HashSet<>();
            for (int step = 0; step < steps; step++) {
              int[] table = answers.get(3 * step).experts.get(path)[0];
              tables.add(Arrays.stream(table).boxed().toList());
              for (int item = 3 * step; item < 3 * step + 3; item++) {
                for (int[] row : answers.get(item).experts.get(path)) {
                  assertArrayEquals(table, row, path + ", step " + step);
                }
              }
            }
            assertTrue(tables.size() > 1, path + " decides alike at every step");
            int[][] both = answers.get(3 * steps).experts.get(path);
            for (int row = 0; row < both.length; row++) {
              int of = row < 2 ? 0 : 3 * (steps - 1);
              assertArrayEquals(answers.get(of).experts.get(path)[0], both[row], path);
            }
          }
        });
  }

  private static float[] condition(int step) {
    float[] condition = new float[12];
    for (int i = 0; i < condition.length; i++) {
      condition[i] = (float) Math.sin((step + 1) * Math.pow(2, i % 6) + i);
    }
    return condition;
  }

  /** Intent: choosing by a hash of the token id takes nothing else into account. */
  @Test
  @Rule({"R1", "R10"})
  default void hashedRowsOfOneTokenSeeOneExpert() {
    Trial.of(
        this,
        Case.of(Shapes.routed(Routers.hash(99), 7), 16, 9, 9, 9),
        trial -> {
          Map<String, Map<Integer, Integer>> seen = new LinkedHashMap<>();
          List<Answered> answers = trial.by(Policy.fullDepth()).run(trial.subject.sequences());
          for (int item = 0; item < answers.size(); item++) {
            for (Map.Entry<String, int[][]> mixture : answers.get(item).experts.entrySet()) {
              for (int row = 0; row < mixture.getValue().length; row++) {
                int token = trial.subject.sequences().get(item).events().get(0).token(row);
                int expert = mixture.getValue()[row][0];
                Integer before =
                    seen.computeIfAbsent(mixture.getKey(), path -> new LinkedHashMap<>())
                        .putIfAbsent(token, expert);
                assertEquals(before == null ? expert : before, expert, "token " + token);
              }
            }
          }
        });
  }

  private float[][] logits(Case dense) {
    List<float[][]> logits = new ArrayList<>();
    Trial.of(
        this,
        dense,
        trial -> logits.add(trial.by(Policy.fullDepth()).run(dense.sequences()).get(0).logits));
    return logits.get(0);
  }

  private static FeedForward network() {
    return FeedForward.gated(7, Activation.SILU).withBias();
  }

  /** Returns the model whose network is one expert of a mixture. */
  private static Case denseLike(Case mixed, int expert) {
    ModelSpec spec = Shapes.linear(network());
    List<Tensor> tensors = new ArrayList<>();
    spec.parameters()
        .forEach(
            parameter -> {
              String from = parameter.name().replace("feedForward", "mixture.experts." + expert);
              Tensor tensor = mixed.weights().tensor(from);
              tensors.add(
                  new Tensor(parameter.name(), tensor.type(), tensor.shape(), tensor.bytes()));
            });
    return new Case("expert " + expert, spec, MemoryWeights.of(tensors), mixed.sequences());
  }

  /** Intent: what is fused is zero where a row made nothing, also beside rows that left. */
  @Test
  @Rule("A31")
  default void slicedNetworksFuseWhatTheirRowsMade() {
    Router some = Router.linear(Score.SIGMOID, new Selection.Threshold(0.5, true));
    List<Mixture.Sliced.Fusion> fusions = new ArrayList<>();
    fusions.add(null);
    for (Mixture.Sliced.Fusion.Kind kind : Mixture.Sliced.Fusion.Kind.values()) {
      fusions.add(new Mixture.Sliced.Fusion(kind, kind == Mixture.Sliced.Fusion.Kind.MONARCH));
    }
    for (Router router : List.of(Routers.mohd(1, 1), some)) {
      for (Mixture.Sliced.Scaling scaling : Mixture.Sliced.Scaling.values()) {
        for (Mixture.Sliced.Fusion fusion : fusions) {
          Mixture.Sliced sliced =
              new Mixture.Sliced(4, 3, Activation.SILU, fusion == null, router, scaling, fusion);
          ModelSpec spec =
              Rewrite.operations(
                  Shapes.freezing(Attention.causal(2, 4)),
                  operation -> operation instanceof Mixture ? sliced : operation);
          Case drawn = Case.of(spec, 32, 6, 3);
          Trial.of(
              this,
              drawn,
              trial -> {
                trial.judgeLeaving(3);
              });
        }
      }
    }
  }

  /** Intent: where all slices are made alike, the factor makes up for their weights. */
  @Test
  @Rule("A31")
  default void allSlicesOfOneWeightAreThePlainNetwork() {
    sliced(Routers.mohd(1, 3), Mixture.Sliced.Scaling.SUM, 4);
  }

  /** Intent: what no row made is as if its columns were zero. */
  @Test
  @Rule("A31")
  default void slicesThatAreNotPickedAreZero() {
    Router shared = Routers.mohd(2, 0).with(new Gate(Gate.Of.ONE, null, 1));
    sliced(shared, Mixture.Sliced.Scaling.NONE, 2);
  }

  private void sliced(Router router, Mixture.Sliced.Scaling scaling, int made) {
    Mixture.Sliced sliced = new Mixture.Sliced(4, 3, Activation.GELU, false, router, scaling, null);
    Case drawn = Case.of(Shapes.linear(sliced), 33, 6, 3);
    Case even =
        drawn.with(
            Shapes.changed(
                drawn.spec(),
                drawn.weights(),
                (name, tensor) ->
                    name.endsWith("router.weight") ? Shapes.filled(tensor, 0) : tensor));
    List<List<Answered>> both = new ArrayList<>();
    for (Case each : List.of(even, Unsliced.of(even, made))) {
      Trial.of(
          this,
          each,
          trial -> {
            Policy full = Policy.fullDepth();
            List<Answered> answers = trial.by(full).run(each.sequences());
            trial.judge(full, answers);
            both.add(answers);
            if (both.size() == 2) {
              close(trial, both.get(1), both.get(0));
            }
          });
    }
  }

  private static void close(Trial trial, List<Answered> expected, List<Answered> answers) {
    for (int n = 0; n < expected.size(); n++) {
      float[][] logits = expected.get(n).logits;
      for (int unit = 0; unit < logits.length; unit++) {
        for (int i = 0; i < logits[unit].length; i++) {
          double allowed = 2 * trial.tolerance().of(logits[unit][i]);
          float other = answers.get(n).logits[unit][i];
          assertEquals(logits[unit][i], other, allowed, "sequence " + n + ", unit " + unit);
        }
      }
    }
  }
}
