package anabranch.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.engine.Policy;
import anabranch.flink.model.Leases;
import anabranch.flink.step.NumberedEvents;
import anabranch.flink.step.StepParts;
import anabranch.flink.update.ModelUpdate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Collectors;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.runtime.metrics.groups.AbstractMetricGroup;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.streaming.api.graph.StreamEdge;
import org.apache.flink.streaming.api.graph.StreamGraph;
import org.apache.flink.streaming.api.graph.StreamNode;
import org.apache.flink.streaming.api.operators.TwoInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;
import org.apache.flink.util.FlinkException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Updates of the model of one operator, and what it answers before and behind barriers. */
@Timeout(60)
class UpdatesTest {
  private static final MicroBatchOptions PAIRS =
      MicroBatchOptions.defaults().withBatchRecords(2).withLinger(Duration.ofMillis(10));

  private final Script script = new Script();
  private final Script other = new Script();
  private long checkpoints;

  @AfterEach
  void everyModelIsClosed() throws InterruptedException {
    Bench.await(() -> script.openModels.get() + other.openModels.get() == 0 && Leases.held() == 0);
  }

  /** Results are the version and the policy that answered. */
  private Bench bench() throws Exception {
    String name = other.name;
    Bench bench =
        new Bench(
            new StepParts<>(
                script.recipe(),
                new NumberedEvents<>(Tokens::events),
                (record, inferences, out) ->
                    out.collect(
                        record[0]
                            + inferences.stream()
                                .map(each -> ":" + each.version() + "/" + each.policy())
                                .collect(Collectors.joining())),
                null,
                true,
                version -> {
                  if (version.startsWith("v")) {
                    return Script.named(name).recipe();
                  }
                  throw new IllegalArgumentException("no folder " + version);
                }),
            PAIRS);
    bench.enableCheckpoints();
    return bench;
  }

  private static void update(Bench bench, ModelUpdate update) throws Exception {
    two(bench).processElement2(new StreamRecord<>(update));
  }

  @SuppressWarnings("unchecked")
  private static TwoInputStreamOperator<int[], ModelUpdate, String> two(Bench bench) {
    return (TwoInputStreamOperator<int[], ModelUpdate, String>)
        (Object) bench.getOneInputOperator();
  }

  private OperatorSubtaskState checkpoint(Bench bench) throws Exception {
    long id = ++checkpoints;
    bench.prepareSnapshotPreBarrier(id);
    return bench.snapshot(id, id);
  }

  @Test
  void anUpdateIsAppliedAtTheNextBarrierAndNotBefore() throws Exception {
    try (Bench bench = bench()) {
      bench.open();
      bench.feed(1);
      update(bench, ModelUpdate.model("v2"));
      bench.feed(2);
      bench.feed(3);
      checkpoint(bench);
      assertEquals(List.of("1:script/both", "2:script/both", "3:script/both"), bench.results());
      assertEquals(0, script.openModels.get(), "the former model is closed");
      bench.feed(4);
      update(bench, ModelUpdate.policy(Policy.named("strict").with("a", 2)));
      bench.feed(5);
      checkpoint(bench);
      bench.feed(6);
      checkpoint(bench);
      bench.feed(7);
      bench.endInput();
      assertEquals(
          List.of("4:v2/both", "5:v2/both", "6:v2/strict", "7:v2/strict"),
          bench.results().subList(3, 7));
    }
  }

  /** Not even an output in between is lost when the task dies before the barrier, or behind it. */
  @Test
  void whoRecoversAnswersAsItDidAtThatBarrier() throws Exception {
    OperatorSubtaskState before;
    OperatorSubtaskState behind;
    try (Bench bench = bench()) {
      bench.open();
      before = checkpoint(bench);
      update(bench, ModelUpdate.model("v2").withPolicy(Policy.named("low").with("b", 0.5)));
      bench.feed(1);
      behind = checkpoint(bench);
    }
    try (Bench bench = bench()) {
      bench.initializeState(before);
      bench.open();
      bench.feed(1);
      bench.endInput();
      assertEquals(List.of("1:script/both"), bench.results(), "killed before the barrier");
    }
    try (Bench bench = bench()) {
      bench.initializeState(behind);
      bench.open();
      bench.feed(2);
      bench.endInput();
      assertEquals(List.of("2:v2/low"), bench.results(), "killed behind the barrier");
      assertEquals(0, script.openModels.get(), "the step's own model is not loaded");
    }
  }

  @Test
  void sendingWhatWasThereBeforeGoesBack() throws Exception {
    try (Bench bench = bench()) {
      bench.open();
      for (String version : new String[] {"v2", "v3", "v2", "script"}) {
        update(bench, ModelUpdate.model(version));
        checkpoint(bench);
        bench.feed(1);
      }
      bench.endInput();
      assertEquals(
          List.of("1:v2/both", "1:v3/both", "1:v2/both", "1:script/both"), bench.results());
    }
  }

  @Test
  void ofSeveralUpdatesBetweenBarriersTheLastOneCounts() throws Exception {
    try (Bench bench = bench()) {
      bench.open();
      update(bench, ModelUpdate.model("v2"));
      update(bench, ModelUpdate.model("v3"));
      update(bench, ModelUpdate.policy(Policy.named("low").with("a", 0.5)));
      checkpoint(bench);
      bench.feed(1);
      bench.endInput();
      assertEquals(List.of("1:v3/low"), bench.results());
      Bench.await(() -> other.loads.get() == 2 && Leases.held() == 1);
      update(bench, ModelUpdate.model("v4"));
    }
  }

  /** Two subtasks of a task manager: one has passed the barrier, the other one has not. */
  @Test
  void aNeighbourThatDidNotPassTheBarrierAnswersAsBefore() throws Exception {
    try (Bench early = bench();
        Bench late = bench()) {
      early.open();
      late.open();
      update(early, ModelUpdate.model("v2"));
      update(late, ModelUpdate.model("v2"));
      checkpoint(early);
      early.feed(1);
      late.feed(2);
      early.endInput();
      checkpoint(late);
      late.feed(3);
      late.endInput();
      assertEquals(List.of("1:v2/both"), early.results());
      assertEquals(List.of("2:script/both", "3:v2/both"), late.results());
      assertEquals(1, other.loads.get(), "both share the new engine, too");
    }
  }

  /** The old model goes on while the new one is loaded. */
  @Test
  void recordsAreAnsweredWhileTheNextModelIsLoaded() throws Exception {
    CountDownLatch go = new CountDownLatch(1);
    other.duringLoad =
        () -> {
          try {
            go.await();
          } catch (InterruptedException stop) {
            throw new IllegalStateException(stop);
          }
        };
    try (Bench bench = bench()) {
      bench.open();
      update(bench, ModelUpdate.model("v2"));
      bench.feed(1);
      bench.feed(2);
      bench.outputs(2);
      go.countDown();
      checkpoint(bench);
      bench.feed(3);
      bench.endInput();
      assertEquals("3:v2/both", bench.results().get(2));
    }
  }

  @Test
  void anUpdateThatCannotBeAppliedFailsTheTaskInWords() throws Exception {
    try (Bench bench = bench()) {
      bench.open();
      assertRefused(
          "the update to model \"w\" cannot be applied: no folder w",
          bench,
          ModelUpdate.model("w"));
      assertRefused(
          "the update to policy \"odd\" does not fit: policy.thresholds exit \"x\" is not one of"
              + " [a, b]",
          bench,
          ModelUpdate.policy(Policy.named("odd").with("x", 1)));
      other.loadFailure = new IllegalStateException("disk on fire");
      update(bench, ModelUpdate.model("v2"));
      FlinkException thrown = assertThrows(FlinkException.class, () -> checkpoint(bench));
      assertTrue(
          thrown.getMessage().startsWith("the update to model \"v2\" cannot be applied: "),
          thrown.getMessage());
      assertTrue(thrown.getMessage().contains("disk on fire"), thrown.getMessage());
    }
  }

  private static void assertRefused(String message, Bench bench, ModelUpdate update) {
    FlinkException thrown = assertThrows(FlinkException.class, () -> update(bench, update));
    assertEquals(message, thrown.getMessage());
  }

  @Test
  void updatesWithoutCheckpointsAreRefused() throws Exception {
    try (Bench bench = bench()) {
      bench.disableCheckpoints();
      FlinkException thrown = assertThrows(FlinkException.class, bench::open);
      assertEquals(
          "updates of model \"script\" on backend \"scripted\" wait for a barrier, and"
              + " execution.checkpointing.interval is not set",
          thrown.getMessage());
    }
  }

  /** Whoever forbids generated names can name all that a step adds. */
  @Test
  void everyOperatorOfAStepWithUpdatesHasAName() {
    Configuration strict = new Configuration();
    strict.set(PipelineOptions.AUTO_GENERATE_UIDS, false);
    StreamGraph graph = graph(strict, "step");
    graph.getJobGraph();
    assertEquals(
        Set.of("in", "up", "step-updates", "step", "out"),
        graph.getStreamNodes().stream()
            .map(StreamNode::getTransformationUID)
            .collect(Collectors.toSet()));
    assertEquals(
        Set.of("in", "up", "anabranch-inference-script-updates", "out"),
        graph(new Configuration(), null).getStreamNodes().stream()
            .map(StreamNode::getTransformationUID)
            .filter(uid -> !uid.equals("anabranch-inference-script"))
            .collect(Collectors.toSet()));
  }

  /** Or a barrier of records would let one subtask take an update that another one takes later. */
  @Test
  void bothInputsOfAStepWithUpdatesAreAligned() {
    Configuration unaligned = new Configuration();
    unaligned.set(CheckpointingOptions.ENABLE_UNALIGNED, true);
    StreamNode step =
        graph(unaligned, "step").getStreamNodes().stream()
            .filter(node -> "step".equals(node.getTransformationUID()))
            .findFirst()
            .orElseThrow();
    assertEquals(
        List.of(false, false),
        step.getInEdges().stream().map(StreamEdge::supportsUnalignedCheckpoints).toList());
  }

  private StreamGraph graph(Configuration configuration, @Nullable String uid) {
    StreamExecutionEnvironment env =
        StreamExecutionEnvironment.getExecutionEnvironment(configuration);
    env.enableCheckpointing(1000);
    env.setParallelism(2);
    var records =
        env.fromData(List.of(new int[] {1}), PrimitiveArrayTypeInfo.INT_PRIMITIVE_ARRAY_TYPE_INFO)
            .uid("in");
    var updates = env.fromData(ModelUpdate.policy(Policy.fullDepth())).uid("up");
    var step =
        MicroBatchInference.on(records, script.recipe()).events(Tokens::events).policies(updates);
    (uid == null ? step : step.uid(uid))
        .map(Tokens::result, Types.STRING)
        .sinkTo(new DiscardingSink<>())
        .uid("out");
    return env.getStreamGraph();
  }

  /** The one in service, and the last four before it. */
  @Test
  void metricsOfVersionsThatWereServedLongAgoAreTakenAway() throws Exception {
    try (Bench bench = bench()) {
      bench.open();
      List<AbstractMetricGroup<?>> groups = new ArrayList<>(List.of(group(bench, "script")));
      for (int n = 0; n < 7; n++) {
        update(bench, ModelUpdate.model("v" + n));
        checkpoint(bench);
        groups.add(group(bench, "v" + n));
      }
      assertEquals(
          List.of(true, true, true, false, false, false, false, false),
          groups.stream().map(AbstractMetricGroup::isClosed).toList());
      update(bench, ModelUpdate.model("v2"));
      checkpoint(bench);
      update(bench, ModelUpdate.model("v0"));
      checkpoint(bench);
      assertFalse(groups.get(3).isClosed(), "shown again before its turn came");
      assertFalse(group(bench, "v0").isClosed());
    }
  }

  private static AbstractMetricGroup<?> group(Bench bench, String version) {
    return (AbstractMetricGroup<?>)
        bench.getOperator().getMetricGroup().addGroup("inference").addGroup("model", version);
  }

  /** Neither a watermark of updates, nor their idleness; and no record is overtaken. */
  @Test
  void updatesHaveNoSayInWatermarksAndIdleness() throws Exception {
    script.block(1);
    try (Bench bench = bench()) {
      bench.open();
      var operator = two(bench);
      operator.processWatermark2(new Watermark(99));
      operator.processElement1(new StreamRecord<>(new int[] {1}, 5));
      operator.processElement1(new StreamRecord<>(new int[] {2}, 5));
      operator.processWatermark1(new Watermark(7));
      operator.processWatermarkStatus1(WatermarkStatus.IDLE);
      operator.processWatermarkStatus1(WatermarkStatus.ACTIVE);
      bench.awaitMail();
      assertEquals("", bench.shape());
      script.release(1);
      bench.endInput();
      assertEquals(
          "1:script/both 2:script/both Watermark WatermarkStatus WatermarkStatus", bench.shape());
    }
  }
}
