package anabranch.flow

import anabranch.backend.Event
import anabranch.backend.StageBatch
import anabranch.dsl.model
import anabranch.engine.Engine
import anabranch.engine.EngineOptions
import anabranch.engine.Item
import anabranch.engine.Policy
import java.util.concurrent.Semaphore
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicInteger

/** An engine of one item a batch, whose model runs one batch for each permit it is given. */
class Held(queue: Int, permits: Int = 0, lanes: Int = 1) : AutoCloseable {
  private val gate = Semaphore(permits)

  /** How many batches have come to the model. */
  val arrived = AtomicInteger()
  val seen: MutableList<Int> = java.util.concurrent.CopyOnWriteArrayList()
  val model =
    ScriptedModel(
      spec,
      before = ::hold,
      logits = { event, position, _ ->
        val token = event.token(position)
        check(token != POISON) { "poison" }
        floatArrayOf(token.toFloat(), 0f)
      },
    )
  val engine: Engine =
    Engine.open(
      model,
      Policy.fullDepth(),
      EngineOptions.defaults().withQueueItems(queue).withBatchRows(1).withLanes(lanes),
    )

  fun go(batches: Int = 1_000_000) = gate.release(batches)

  private fun hold(batch: StageBatch) {
    seen += batch.spans().map { it.rows().event(0).token(it.rows().position(0)) }
    arrived.incrementAndGet()
    check(gate.tryAcquire(30, TimeUnit.SECONDS)) { "held for too long" }
  }

  override fun close() {
    go()
    engine.close()
  }

  companion object {
    const val POISON = 666
    private val spec =
      model("script", width = 4) {
        tokens(vocabulary = 1_000, maxLength = 8)
        layer { feedForward(inner = 4) }
        head(outputs = 2)
      }

    fun item(token: Int): Item = Item.of("item$token", Event.ofTokens(token))
  }
}
