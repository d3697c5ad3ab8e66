package anabranch.samples.app

import anabranch.backend.Event
import anabranch.backend.LoadOptions
import anabranch.backend.LoadedModel
import anabranch.dsl.model
import anabranch.engine.Backends
import anabranch.engine.Engine
import anabranch.engine.EngineListener
import anabranch.engine.EngineOptions
import anabranch.engine.Item
import anabranch.engine.Policy
import anabranch.model.route.Routers.mixtral
import anabranch.weights.Weights
import java.util.concurrent.CountDownLatch
import java.util.concurrent.TimeUnit.SECONDS
import java.util.concurrent.atomic.AtomicBoolean
import java.util.concurrent.atomic.AtomicInteger
import kotlin.math.exp
import kotlin.math.log2
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.collect
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.flow.flowOf
import kotlinx.coroutines.flow.take
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

class ScoringTest {
  private val loaded: LoadedModel =
    Backends.named("onnx").load(spec, Weights.random(spec, 3), LoadOptions.defaults())
  private val taken = AtomicInteger()
  private val sourceEnded = AtomicBoolean()

  @Test
  fun scoresComeInTheOrderOfTheirEvents() = runBlocking {
    engine().use { engine ->
      val events = listOf("first", "second, which is longer", "3").map(::eventOf)
      val scored = flowOf(*events.toTypedArray()).scoredBy(engine, inFlight = 2).toList()
      assertEquals(events, scored.map(Scored::event))
      val answer = engine.infer(Item.of("again", events[2]))
      val odds = DoubleArray(answer.outputs()) { exp(answer.logits(0).get(it).toDouble()) }
      assertEquals(-log2(odds['3'.code] / odds.sum()), scored[2].bitsPerByte, 1e-6)
    }
  }

  @Test
  fun aSlowCollectorBoundsWhatIsTaken() = runBlocking {
    engine().use { engine ->
      var collected = 0
      var farthest = 0
      source().scoredBy(engine, inFlight = IN_FLIGHT).take(30).collect {
        delay(10)
        farthest = maxOf(farthest, taken.get() - collected)
        collected++
      }
      // Those on their way, and the one that waits for a place among them.
      assertTrue(farthest in IN_FLIGHT..IN_FLIGHT + 1, "took $farthest more than were collected")
      assertTrue(sourceEnded.get())
    }
  }

  @Test
  fun aCancelledCollectionTakesBackWhatWaits() = runBlocking {
    val held = CountDownLatch(1)
    val itemsRun = AtomicInteger()
    val engine = engine { batch ->
      itemsRun.addAndGet(batch.items)
      held.await(30, SECONDS)
    }
    try {
      val collection =
        launch(Dispatchers.Default) { source().scoredBy(engine, IN_FLIGHT).collect() }
      assertTrue(threads().isNotEmpty(), "no thread has the engine's name")
      withTimeout(20_000) {
        while (itemsRun.get() == 0 || taken.get() < IN_FLIGHT) delay(1)
        collection.cancelAndJoin()
      }
      assertTrue(sourceEnded.get())
    } finally {
      held.countDown()
      engine.close()
    }
    assertEquals(1, itemsRun.get(), "items that ran")
    assertTrue(taken.get() <= IN_FLIGHT + 1, "took $taken")
    assertThrows(IllegalStateException::class.java) { loaded.newState(null) }
    withTimeout(20_000) { while (threads().isNotEmpty()) delay(1) }
  }

  /** An engine of one item a batch, which lets a listener hold it. */
  private fun engine(listener: EngineListener = EngineListener {}): Engine =
    Engine.open(loaded, Policy.fullDepth(), EngineOptions.defaults().withBatchRows(1), listener)

  private fun threads(): List<Thread> =
    Thread.getAllStackTraces().keys.filter { it.name.startsWith("anabranch-${spec.name()}") }

  private fun source(): Flow<Event> = flow {
    try {
      while (true) {
        taken.incrementAndGet()
        emit(eventOf("event $taken"))
      }
    } finally {
      sourceEnded.set(true)
    }
  }

  private companion object {
    const val IN_FLIGHT = 6

    val spec =
      model("scoring-test", width = 16) {
        tokens(vocabulary = 257, maxLength = 128)
        embedding(positions = true)
        layer {
          attention(heads = 2)
          experts(4, inner = 16, router = mixtral(2))
        }
        head(outputs = 256)
      }
  }
}
