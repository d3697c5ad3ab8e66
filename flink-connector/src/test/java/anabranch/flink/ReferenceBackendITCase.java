package anabranch.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.Event;
import anabranch.backend.LoadOptions;
import anabranch.backend.LoadedModel;
import anabranch.engine.Backends;
import anabranch.engine.Engine;
import anabranch.engine.EngineOptions;
import anabranch.engine.Inference;
import anabranch.engine.Item;
import anabranch.engine.Policy;
import anabranch.flink.model.ModelRecipe;
import anabranch.model.Embedding;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Block;
import anabranch.model.layer.Bypass;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Criterion;
import anabranch.model.plan.Exit;
import anabranch.model.plan.Head;
import anabranch.model.plan.Plan;
import anabranch.model.plan.Prune;
import anabranch.model.route.Routers;
import anabranch.weights.Weights;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.runtime.testutils.MiniClusterResourceConfiguration;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.apache.flink.util.CloseableIterator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A model with routed experts and early exits, computed by the reference backend inside a job. */
class ReferenceBackendITCase {
  private static final long SEED = 20;

  @RegisterExtension
  static final MiniClusterExtension CLUSTER =
      new MiniClusterExtension(
          new MiniClusterResourceConfiguration.Builder()
              .setNumberTaskManagers(1)
              .setNumberSlotsPerTaskManager(2)
              .build());

  @Test
  void aJobSaysBitForBitWhatTheEngineSays() throws Exception {
    List<int[]> records = records();
    List<String> direct = new ArrayList<>();
    int[] leftBehind = new int[3];
    LoadedModel model =
        Backends.named("reference")
            .load(routed(), Weights.random(routed(), SEED), LoadOptions.defaults());
    try (Engine engine = Engine.open(model, policy())) {
      for (int[] record : records) {
        Inference inference = engine.infer(Item.of("direct", Event.ofTokens(record)));
        direct.add(text(record, List.of(inference)));
        for (int unit = 0; unit < inference.units(); unit++) {
          leftBehind[inference.exit(unit)]++;
        }
      }
    }
    for (int left : leftBehind) {
      assertTrue(left > 20, "rows left behind every stage");
    }
    assertEquals(direct, inAJob(records));
  }

  /** A prune keeps half of the rows: results can be laid over the tokens that they are of. */
  @Test
  void whichRowsAPruneKeptReachesTheResults() throws Exception {
    List<int[]> records = records();
    Policy half = Policy.named("half").with("few", 0.5);
    List<String> direct = new ArrayList<>();
    LoadedModel model =
        Backends.named("reference")
            .load(pruned(), Weights.random(pruned(), SEED), LoadOptions.defaults());
    try (Engine engine = Engine.open(model, half)) {
      for (int[] record : records) {
        Inference inference = engine.infer(Item.of("direct", Event.ofTokens(record)));
        int[] kept = inference.positions();
        assertEquals(Math.max(1, (record.length + 1) / 2), kept.length, "rows that survived");
        assertEquals(0, kept[0], "the first is never dropped");
        direct.add(survivors(record, List.of(inference)));
      }
    }
    assertTrue(
        direct.stream().anyMatch(text -> !text.matches("0(,1)?(,2)?(,3)?(,4)?(,5)?:.*")),
        "not always the first ones");
    ModelRecipe recipe =
        ModelRecipe.of("reference", pruned(), spec -> Weights.random(spec, SEED)).withPolicy(half);
    assertEquals(direct, inAJob(records, recipe, ReferenceBackendITCase::survivors));
  }

  /** The positions that survived, and the tokens there. */
  private static String survivors(int[] record, List<Inference> inferences) {
    int[] kept = inferences.get(0).positions();
    return IntStream.of(kept).mapToObj(Integer::toString).collect(Collectors.joining(","))
        + IntStream.of(kept).mapToObj(at -> ":" + record[at]).collect(Collectors.joining());
  }

  private static ModelSpec pruned() {
    Norm norm = new Norm.Layer(1e-5);
    Block block =
        Block.of(
            Sublayer.preNorm(norm, Attention.full(2, 4)),
            Sublayer.preNorm(norm, FeedForward.plain(12, Activation.GELU)));
    return new ModelSpec(
        "pruned",
        8,
        new Input.Tokens(50, 12),
        Embedding.withPositions(),
        Plan.builder()
            .add(block)
            .add(new Prune("few", Criterion.Score.ATTENTION_RECEIVED, List.of(0)))
            .add(block)
            .build(),
        new Head(Head.Pool.MEAN, norm, 3, true));
  }

  private static List<String> inAJob(List<int[]> records) throws Exception {
    ModelRecipe recipe =
        ModelRecipe.of("reference", routed(), spec -> Weights.random(spec, SEED))
            .withPolicy(policy())
            .withEngineOptions(EngineOptions.defaults().withBatchRows(64).withLanes(2));
    return inAJob(records, recipe, ReferenceBackendITCase::text);
  }

  private static List<String> inAJob(
      List<int[]> records, ModelRecipe recipe, InferenceMapFunction<int[], String> result)
      throws Exception {
    Configuration configuration = new Configuration();
    configuration.set(PipelineOptions.GENERIC_TYPES, false);
    StreamExecutionEnvironment env =
        StreamExecutionEnvironment.getExecutionEnvironment(configuration);
    env.setParallelism(1);
    DataStream<String> results =
        MicroBatchInference.on(
                env.fromData(records, PrimitiveArrayTypeInfo.INT_PRIMITIVE_ARRAY_TYPE_INFO), recipe)
            .events((record, input) -> List.of(Event.ofTokens(record)))
            .batchRecords(5)
            .map(result, Types.STRING);
    List<String> all = new ArrayList<>();
    try (CloseableIterator<String> iterator = results.executeAndCollect()) {
      iterator.forEachRemaining(all::add);
    }
    return all;
  }

  private static String text(int[] record, List<Inference> inferences) {
    Inference inference = inferences.get(0);
    StringBuilder text = new StringBuilder();
    for (int row = 0; row < record.length; row++) {
      text.append(record[row]).append('@').append(inference.exit(row)).append(':');
      for (int c = 0; c < inference.outputs(); c++) {
        text.append(Integer.toHexString(Float.floatToIntBits(inference.logits(row).get(c))));
        text.append(',');
      }
    }
    return text.toString();
  }

  private static List<int[]> records() {
    SplittableRandom random = new SplittableRandom(3);
    List<int[]> records = new ArrayList<>();
    for (int n = 0; n < 60; n++) {
      records.add(random.ints(random.nextInt(1, 13), 0, 50).toArray());
    }
    return records;
  }

  private static Policy policy() {
    return Policy.named("early").with("one", 0.7).with("two", 0.7);
  }

  private static ModelSpec routed() {
    Norm norm = new Norm.Layer(1e-5);
    FeedForward expert = FeedForward.gated(12, Activation.SILU);
    Block block =
        Block.of(
            Sublayer.preNorm(norm, Attention.causal(2, 4)),
            Sublayer.preNorm(norm, new Mixture(4, expert, Routers.mixtral(2))));
    Head head = new Head(Head.Pool.EACH, norm, 3, true);
    Exit one = new Exit("one", head, Criterion.confidence(), Bypass.FREEZE_PROJECT);
    Exit two = new Exit("two", head, Criterion.confidence(), Bypass.FREEZE_PROJECT);
    return new ModelSpec(
        "routed",
        8,
        new Input.Tokens(50, 12),
        Embedding.withPositions(),
        Plan.builder().add(block).add(one).add(block).add(two).add(block).build(),
        head);
  }
}
