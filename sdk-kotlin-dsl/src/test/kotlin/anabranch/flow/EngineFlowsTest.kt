package anabranch.flow

import anabranch.engine.Engine
import anabranch.engine.Inference
import anabranch.engine.Item
import anabranch.error.DescriptionException
import anabranch.error.ExecutionException
import anabranch.flow.Held.Companion.POISON
import anabranch.flow.Held.Companion.item
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.common.ExperimentalKotest
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.collections.shouldContainExactlyInAnyOrder
import io.kotest.matchers.ints.shouldBeLessThanOrEqual
import io.kotest.matchers.shouldBe
import io.kotest.property.Arb
import io.kotest.property.PropTestConfig
import io.kotest.property.arbitrary.boolean
import io.kotest.property.arbitrary.int
import io.kotest.property.checkAll
import java.util.concurrent.atomic.AtomicInteger
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.asFlow
import kotlinx.coroutines.flow.collect
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.flow.flowOn
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.flow.onCompletion
import kotlinx.coroutines.flow.onEach
import kotlinx.coroutines.flow.take
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch

@OptIn(ExperimentalKotest::class)
class EngineFlowsTest :
  FunSpec({
    timeout = 60_000

    test("everyItemIsAnsweredOnceWhateverTheBounds") {
      checkAll(
        PropTestConfig(seed = 20_260_102, iterations = 100),
        Arb.int(0..60),
        Arb.int(1..9),
        Arb.int(1..4),
        Arb.int(1..3),
        Arb.boolean(),
      ) { count, inFlight, queue, lanes, ordered ->
        Held(queue, permits = 1_000, lanes).use { held ->
          val names =
            items(1..count)
              .flowOn(Dispatchers.Default)
              .answeredBy(held.engine, inFlight, ordered)
              .map(Inference::item)
              .toList()
          val expected = (1..count).map { "item$it" }
          if (ordered) names shouldBe expected else names shouldContainExactlyInAnyOrder expected
        }
      }
    }

    test("orderHoldsBackWhatIsReadyAndUnorderedDoesNot") {
      suspend fun names(ordered: Boolean): List<String> =
        items(1..3)
          .concurrently(3, ordered) { item ->
            delay(if (item.id == "item1") 100 else 1)
            item.id
          }
          .toList()
      names(ordered = true) shouldBe listOf("item1", "item2", "item3")
      names(ordered = false).last() shouldBe "item1"
    }

    for ((ordered, inOrder) in listOf(true to "InOrder", false to "OutOfOrder")) {
      test("aBlockedModelStopsTheSourceAtTheBound$inOrder") {
        Held(queue = 2).use { held ->
          coroutineScope {
            val taken = AtomicInteger()
            val answers =
              async(Dispatchers.Default) {
                items(1..100)
                  .onEach { taken.incrementAndGet() }
                  .answeredBy(held.engine, inFlight = 5, ordered)
                  .toList()
              }
            held.until { taken.get() == 6 && arrived.get() == 1 }
            delay(100)
            taken.get() shouldBe 6
            held.go(3)
            held.until { taken.get() == 9 }
            delay(100)
            taken.get() shouldBe 9
            held.go()
            answers.await().size shouldBe 100
          }
        }
      }

      test("aSlowCollectorStopsTheSourceAtTheBound$inOrder") {
        Held(queue = 8, permits = 1_000).use { held ->
          val taken = AtomicInteger()
          var collected = 0
          items(1..40)
            .onEach { taken.incrementAndGet() }
            .answeredBy(held.engine, inFlight = 4, ordered)
            .collect {
              delay(2)
              taken.get() - collected shouldBeLessThanOrEqual 5
              collected++
            }
          collected shouldBe 40
        }
      }

      test("aFailureIsAResultByChoice$inOrder") {
        Held(queue = 8, permits = 1_000).use { held ->
          val outcomes =
            items(listOf(1, POISON, 3, 1_000, 5)).outcomesBy(held.engine, 2, ordered).toList()
          outcomes.map { it.item.id } shouldContainExactlyInAnyOrder
            listOf("item1", "item$POISON", "item3", "item1000", "item5")
          outcomes.filterIsInstance<Outcome.Failed>().map {
            (it.cause as ExecutionException).item()
          } shouldContainExactlyInAnyOrder listOf("item$POISON", "item1000")
          outcomes.filterIsInstance<Outcome.Answered>().forEach {
            it.inference.item() shouldBe it.item.id
          }
        }
      }

      test("takingAFewCancelsTheRest$inOrder") {
        Held(queue = 8, permits = 2).use { held ->
          items(1..50).answeredBy(held.engine, inFlight = 6, ordered).take(2).toList().size shouldBe
            2
          held.go()
          held.engine.infer(item(99)).item() shouldBe "item99"
          held.seen.filter { it > 3 } shouldBe listOf(99)
        }
      }
    }

    test("aFailureInOrderComesBehindAllEarlierAnswers") {
      Held(queue = 8).use { held ->
        val collected = mutableListOf<String>()
        val source = items(listOf(1, 2, 3, 1_000, 5, 6)).onCompletion { held.goLater() }
        val failed =
          shouldThrow<ExecutionException> {
            source.answeredBy(held.engine, inFlight = 6).collect { collected += it.item() }
          }
        failed.item() shouldBe "item1000"
        collected shouldBe listOf("item1", "item2", "item3")
      }
    }

    for ((ordered, inOrder) in listOf(true to "InOrder", false to "OutOfOrder")) {
      test("aFailureOfTheSourceComesBehindAllItSent$inOrder") {
        Held(queue = 8).use { held ->
          val collected = mutableListOf<String>()
          val source = flow {
            for (i in 1..4) emit(item(i))
            held.goLater()
            throw NoSuchElementException("dry")
          }
          shouldThrow<NoSuchElementException> {
              source.answeredBy(held.engine, inFlight = 8, ordered).collect {
                collected += it.item()
              }
            }
            .message shouldBe "dry"
          collected shouldBe (1..4).map { "item$it" }
        }
      }
    }

    test("aCancelledCollectionTakesItsItemsOutOfTheQueue") {
      Held(queue = 4).use { held ->
        coroutineScope {
          val collecting =
            launch(Dispatchers.Default) {
              items(1..50).answeredBy(held.engine, inFlight = 9).collect()
            }
          held.until { arrived.get() == 1 && engine.isFull() }
          collecting.cancelAndJoin()
          val later = async(Dispatchers.Default) { held.engine.answer(item(99)) }
          held.go()
          later.await().item() shouldBe "item99"
        }
        held.seen.filter { it < 99 } shouldBe listOf(1)
      }
    }

    test("aBoundBelowOneIsRefused") {
      Held(queue = 4).use { held ->
        shouldThrow<DescriptionException> { items(1..2).answeredBy(held.engine, inFlight = 0) }
          .message shouldBe "flow.inFlight 0 is below 1"
      }
    }
  })

private fun items(tokens: Iterable<Int>): Flow<Item> = tokens.asFlow().map(::item)

/** Lets the model run when whoever calls this has long gone on. */
private fun Held.goLater() {
  Thread {
    Thread.sleep(50)
    go()
  }
    .start()
}

private fun Engine.isFull(): Boolean {
  val probe = offer(item(500))
  probe.ifPresent { it.cancel(false) }
  return probe.isEmpty
}
