package anabranch.samples.flows

import anabranch.backend.Event
import anabranch.engine.Item
import anabranch.engine.Policy
import anabranch.flink.InferenceMapFunction
import anabranch.flink.ItemExtractor
import anabranch.flink.MicroBatchInference
import anabranch.flink.model.ModelRecipe
import anabranch.weights.Safetensors
import java.nio.file.Path
import java.time.Duration
import org.apache.flink.api.common.typeinfo.TypeInformation
import org.apache.flink.api.common.typeinfo.Types
import org.apache.flink.api.java.functions.KeySelector
import org.apache.flink.configuration.Configuration
import org.apache.flink.configuration.PipelineOptions
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment

/** Returns how the model is loaded where the job runs. */
fun flowsRecipe(backend: String, weights: Path): ModelRecipe {
  val file = weights.toAbsolutePath().toString()
  return ModelRecipe.of(backend, flowsModel) { Safetensors.open(Path.of(file)) }
    .withPolicy(flowsPolicy)
}

/** Judges each flow by the window that it ends, and each window once more at full depth. */
fun judge(flows: List<Flow>, recipe: ModelRecipe): List<Verdict> {
  val configuration = Configuration().set(PipelineOptions.GENERIC_TYPES, false)
  val environment = StreamExecutionEnvironment.createLocalEnvironment(1, configuration)
  val windows =
    environment
      .fromData(flows, TypeInformation.of(Flow::class.java))
      .keyBy(KeySelector<Flow, Int> { it.host() }, Types.INT)
      .process(LatestFlows(), TypeInformation.of(HostWindow::class.java))
  val verdicts =
    MicroBatchInference.on(windows, recipe)
      .items(ItemExtractor { window, _ -> itemsOf(window) })
      .batchRecords(128)
      .linger(Duration.ofMillis(5))
      .map(
        InferenceMapFunction { window, (served, full) ->
          Verdict(
            window.host(),
            window.kind(),
            served.label(0),
            full.label(0),
            served.depth(0),
            served.flops(),
            served.fullFlops(),
          )
        },
        TypeInformation.of(Verdict::class.java),
      )
  return verdicts.executeAndCollect("flows").use { it.asSequence().toList() }
}

private fun itemsOf(window: HostWindow): List<Item> {
  val event = Event.ofFeatures(HostWindow.FIELDS, *window.rows())
  val served = Item.of("host${window.host()}", event)
  return listOf(served, served.withPolicy(Policy.fullDepth()))
}
