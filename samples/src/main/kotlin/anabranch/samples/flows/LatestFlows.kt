package anabranch.samples.flows

import org.apache.flink.api.common.functions.OpenContext
import org.apache.flink.api.common.state.ListState
import org.apache.flink.api.common.state.ListStateDescriptor
import org.apache.flink.api.common.typeinfo.TypeInformation
import org.apache.flink.streaming.api.functions.KeyedProcessFunction
import org.apache.flink.util.Collector

/** Keeps the latest flows of each host and gives a window with each flow. Confined to a task. */
class LatestFlows : KeyedProcessFunction<Int, Flow, HostWindow>() {
  @Transient private lateinit var latest: ListState<Flow>

  override fun open(context: OpenContext) {
    latest =
      runtimeContext.getListState(
        ListStateDescriptor("latest", TypeInformation.of(Flow::class.java))
      )
  }

  override fun processElement(flow: Flow, context: Context, out: Collector<HostWindow>) {
    val flows = (latest.get() + flow).takeLast(HostWindow.HISTORY)
    latest.update(flows)
    out.collect(HostWindow.of(flows))
  }
}
