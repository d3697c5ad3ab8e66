package anabranch.samples.sequences;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.Event;
import anabranch.backend.LoadOptions;
import anabranch.engine.Backends;
import anabranch.engine.Engine;
import anabranch.engine.EngineOptions;
import anabranch.engine.Inference;
import anabranch.engine.Policy;
import anabranch.engine.Sequence;
import anabranch.flink.keyed.KeyedSequenceInference;
import anabranch.flink.model.ModelRecipe;
import anabranch.flink.update.ModelRecipes;
import anabranch.flink.update.ModelUpdate;
import anabranch.model.Embedding;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Block;
import anabranch.model.layer.Bypass;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Operation;
import anabranch.model.layer.Recurrence;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Criterion;
import anabranch.model.plan.Exit;
import anabranch.model.plan.Head;
import anabranch.model.plan.Plan;
import anabranch.weights.Weights;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.IntUnaryOperator;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.KeyedStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Sequences of keys on the ONNX backend, in a job that is killed and recovers. */
@Timeout(120)
class SequencesOnOnnxTest {
  private static final int WORDS = 900;
  private static final int SPEAKERS = 20;
  private static final int LATE = 300;
  private static final long SEED = 11;
  private static final Policy EARLY = Policy.named("early").with("one", 0.6).with("two", 0.6);

  /** How rows of a sequence see those before: by what, and what rows that left show them. */
  enum Past {
    ALL(Attention.causal(2, 8), Bypass.FREEZE_PROJECT),
    WINDOW(Attention.causal(2, 8).withWindow(6), Bypass.DEFER_RECOMPUTE),
    LINEAR_MEMORY(new Recurrence.LinearMemory(8, 6, true), Bypass.MASK),
    STATE_SPACE(new Recurrence(16, 4, 3, 2), Bypass.FREEZE_PROJECT);

    private final Operation operation;
    private final Bypass bypass;

    Past(Operation operation, Bypass bypass) {
      this.operation = operation;
      this.bypass = bypass;
    }

    private Exit exit(String name, Head head) {
      return new Exit(name, head, Criterion.confidence(), bypass);
    }

    ModelSpec spec() {
      Norm norm = new Norm.Layer(1e-5);
      Block block =
          Block.of(
              Sublayer.preNorm(norm, operation),
              Sublayer.preNorm(norm, FeedForward.plain(32, Activation.GELU)));
      Head head = new Head(Head.Pool.EACH, norm, 3, true);
      return new ModelSpec(
          "talk",
          16,
          new Input.Tokens(40, 1000),
          Embedding.withPositions(),
          Plan.builder()
              .add(block)
              .add(exit("one", head))
              .add(block)
              .add(exit("two", head))
              .add(block)
              .build(),
          head);
    }
  }

  @ParameterizedTest
  @EnumSource
  void aJobThatWasKilledSaysBitForBitWhatALoopOverEventsSays(Past past, @TempDir Path folder)
      throws Exception {
    int[][] words = words(n -> 0, n -> SPEAKERS);
    int[] left = new int[3];
    Map<Integer, String> expected = loop(past.spec(), SEED, words, left);
    for (int rows : left) {
      assertTrue(rows > 50, "rows left behind every stage");
    }
    ModelRecipe recipe = recipe(past.spec(), SEED);
    assertEquals(expected, KilledJob.answers(words, folder, stream -> answering(stream, recipe)));
  }

  /** Half of the speakers begin when the other half has ended, but for two who go on. */
  @Test
  void aSequenceGoesOnUnderTheModelThatItBeganUnderWhenTheJobIsKilled(@TempDir Path folder)
      throws Exception {
    ModelSpec spec = Past.WINDOW.spec();
    int[][] words =
        words(
            n -> n < WORDS - LATE ? 0 : SPEAKERS / 2 - 2,
            n -> n < WORDS - LATE ? SPEAKERS / 2 : SPEAKERS);
    Map<Integer, String> first = loop(spec, SEED, words, new int[3]);
    Map<Integer, String> second = loop(spec, SEED + 1, words, new int[3]);
    Map<Integer, String> expected = new HashMap<>();
    for (int[] word : words) {
      expected.put(word[0], (word[1] < SPEAKERS / 2 ? first : second).get(word[0]));
    }
    ModelRecipes recipes =
        version -> {
          KilledJob.updated();
          long seed = version.equals("v2") ? SEED + 1 : SEED;
          return recipe(Past.WINDOW.spec(), seed).withVersion(version);
        };
    Map<Integer, String> seen =
        KilledJob.answersOfUpdated(
            words,
            folder,
            stream ->
                step(stream, recipe(spec, SEED).withVersion("v1"))
                    .updates(
                        KilledJob.updates(
                            stream.getExecutionEnvironment(), ModelUpdate.model("v2")),
                        recipes)
                    .map(SequencesOnOnnxTest::text, Types.STRING));
    assertEquals(expected, seen);
  }

  private static ModelRecipe recipe(ModelSpec spec, long seed) {
    return ModelRecipe.of("onnx", spec, model -> Weights.random(model, seed))
        .withPolicy(EARLY)
        .withEngineOptions(EngineOptions.defaults().withLanes(2));
  }

  private static Map<Integer, String> loop(ModelSpec spec, long seed, int[][] words, int[] left) {
    Map<Integer, String> answers = new HashMap<>();
    Map<Integer, Sequence> sequences = new HashMap<>();
    var model =
        Backends.named("onnx").load(spec, Weights.random(spec, seed), LoadOptions.defaults());
    try (Engine engine = Engine.open(model, EARLY)) {
      for (int[] word : words) {
        Inference inference =
            sequences
                .computeIfAbsent(word[1], speaker -> engine.begin("s" + speaker))
                .submit(event(word))
                .join();
        answers.put(word[0], text(word, List.of(inference)));
        for (int unit = 0; unit < inference.units(); unit++) {
          left[inference.exit(unit)]++;
        }
      }
    }
    return answers;
  }

  private static DataStream<String> answering(
      KeyedStream<int[], Integer> words, ModelRecipe recipe) {
    return step(words, recipe).map(SequencesOnOnnxTest::text, Types.STRING);
  }

  private static KeyedSequenceInference<int[]> step(
      KeyedStream<int[], Integer> words, ModelRecipe recipe) {
    return KeyedSequenceInference.on(words, recipe)
        .events((word, input) -> List.of(event(word)))
        .numbers(word -> word[2])
        .cacheBytes(20_000);
  }

  /** Returns words of the speakers between two bounds, which depend on the word's number. */
  private static int[][] words(IntUnaryOperator least, IntUnaryOperator bound) {
    SplittableRandom random = new SplittableRandom(4);
    Map<Integer, Integer> said = new HashMap<>();
    List<int[]> words = new ArrayList<>();
    for (int n = 0; n < WORDS; n++) {
      int first = least.applyAsInt(n);
      int speaker = random.nextInt(3) == 0 ? first : random.nextInt(first, bound.applyAsInt(n));
      int number = said.merge(speaker, 1, Integer::sum) - 1;
      int token = random.nextInt(40);
      words.add(
          random.nextBoolean()
              ? new int[] {n, speaker, number, token}
              : new int[] {n, speaker, number, token, random.nextInt(40)});
    }
    return words.toArray(int[][]::new);
  }

  private static Event event(int[] word) {
    return word.length == 4 ? Event.ofTokens(word[3]) : Event.ofTokens(word[3], word[4]);
  }

  private static String text(int[] word, List<Inference> inferences) {
    StringBuilder text = new StringBuilder().append(word[0]).append(' ').append(word[1]);
    Inference inference = inferences.get(0);
    for (int unit = 0; unit < inference.units(); unit++) {
      text.append(' ').append(inference.exit(unit)).append('@');
      KilledJob.bits(text, inference.logits(unit));
    }
    return text.toString();
  }
}
