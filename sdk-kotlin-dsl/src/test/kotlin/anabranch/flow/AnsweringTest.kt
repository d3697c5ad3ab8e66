package anabranch.flow

import anabranch.backend.Event
import anabranch.error.ExecutionException
import anabranch.flow.Held.Companion.POISON
import anabranch.flow.Held.Companion.item
import io.kotest.assertions.nondeterministic.eventually
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import io.kotest.matchers.types.shouldBeInstanceOf
import java.util.concurrent.Executors
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.CoroutineStart.UNDISPATCHED
import kotlinx.coroutines.asCoroutineDispatcher
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import kotlinx.coroutines.supervisorScope
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeout

class AnsweringTest :
  FunSpec({
    timeout = 60_000

    test("anAnswerBelongsToItsItem") {
      Held(queue = 8, permits = 9).use { held ->
        coroutineScope {
          (1..9).map { async { held.engine.answer(item(it)) } }.awaitAll()
        }
          .map { it.item() to it.logits(0).get(0) } shouldBe
          (1..9).map { "item$it" to it.toFloat() }
      }
    }

    test("theEventsOfASequenceAreAnsweredInTheirPlaces") {
      Held(queue = 1, permits = 9).use { held ->
        held.engine.begin("s").use { sequence ->
          val answers = (1..3).map { sequence.answer(Event.ofTokens(it, 10 * it)) }
          answers.map { it.item() } shouldBe listOf("s", "s", "s")
          answers.map { it.positions().toList() } shouldBe
            listOf(listOf(0, 1), listOf(2, 3), listOf(4, 5))
          answers.map { it.logits(1).get(0) } shouldBe listOf(10f, 20f, 30f)
        }
      }
    }

    test("hundredsWaitForAFullEngineOnOneThreadThatStaysFree") {
      Held(queue = 1).use { held ->
        Executors.newSingleThreadExecutor().asCoroutineDispatcher().use { single ->
          withContext(single) {
            val answers = List(300) { async { held.engine.answer(item(it)) } }
            held.until { arrived.get() == 1 }
            answers.count { it.isCompleted } shouldBe 0
            held.go()
            answers.awaitAll().map { it.item() } shouldBe (0..299).map { "item$it" }
          }
        }
        held.seen shouldBe (0..299).toList()
      }
    }

    test("aCallCancelledInTheQueueNeverRuns") {
      Held(queue = 1).use { held ->
        coroutineScope {
          val running = async { held.engine.answer(item(1)) }
          held.until { arrived.get() == 1 }
          val queued = launch(start = UNDISPATCHED) { held.engine.answer(item(2)) }
          held.engine.offer(item(3)).isEmpty shouldBe true
          queued.cancelAndJoin()
          val next = held.engine.offer(item(4)).orElseThrow()
          held.go()
          running.await()
          next.join()
        }
        held.seen shouldBe listOf(1, 4)
      }
    }

    test("aCallCancelledInTheLineNeverRunsAndLetsTheNextPass") {
      Held(queue = 1).use { held ->
        coroutineScope {
          val running = async { held.engine.answer(item(1)) }
          held.until { arrived.get() == 1 }
          val queued = async(start = UNDISPATCHED) { held.engine.answer(item(2)) }
          val first = launch(start = UNDISPATCHED) { held.engine.answer(item(3)) }
          val second = async(start = UNDISPATCHED) { held.engine.answer(item(4)) }
          val third = launch(start = UNDISPATCHED) { held.engine.answer(item(5)) }
          withTimeout(5.seconds) {
            first.cancelAndJoin()
            third.cancelAndJoin()
          }
          held.go()
          awaitAll(running, queued, second)
        }
        held.seen shouldBe listOf(1, 2, 4)
      }
    }

    test("failuresSurfaceAsThemselves") {
      Held(queue = 4, permits = 9).use { held ->
        val failed = shouldThrow<ExecutionException> { held.engine.answer(item(POISON)) }
        failed.item() shouldBe "item$POISON"
        failed.stage() shouldBe 0
        failed.cause.shouldBeInstanceOf<IllegalStateException>().message shouldBe "poison"
        shouldThrow<ExecutionException> { held.engine.answer(item(1_000)) }.message shouldBe
          "item \"item1000\": event.token[0] 1000 is not in 0..999"
      }
    }

    test("aClosedEngineRefusesThoseInTheLineToo") {
      val held = Held(queue = 1)
      supervisorScope {
        val accepted = async { held.engine.answer(item(1)) }
        held.until { arrived.get() == 1 }
        val queued = async(start = UNDISPATCHED) { held.engine.answer(item(2)) }
        val inLine = async(start = UNDISPATCHED) { held.engine.answer(item(3)) }
        val closer = Thread(held.engine::close)
        closer.start()
        shouldThrow<IllegalStateException> { inLine.await() }.message shouldBe
          "the engine is closed"
        held.go()
        listOf(accepted, queued).awaitAll().map { it.item() } shouldBe listOf("item1", "item2")
        closer.join()
      }
      held.model.closed shouldBe true
      shouldThrow<IllegalStateException> { held.engine.answer(item(4)) }
    }
  })

suspend fun Held.until(holds: Held.() -> Boolean) {
  eventually(20.seconds) { check(holds()) }
}
