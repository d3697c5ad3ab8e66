@file:JvmName("EngineFlows")

package anabranch.flow

import anabranch.engine.Engine
import anabranch.engine.Inference
import anabranch.engine.Item
import anabranch.error.AnabranchException
import anabranch.error.Bounds
import kotlinx.coroutines.CoroutineStart.UNDISPATCHED
import kotlinx.coroutines.Deferred
import kotlinx.coroutines.ExperimentalCoroutinesApi
import kotlinx.coroutines.async
import kotlinx.coroutines.channels.ProducerScope
import kotlinx.coroutines.channels.produce
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.launch
import kotlinx.coroutines.supervisorScope
import kotlinx.coroutines.sync.Semaphore

/** How many items of one flow are on their way at a time unless told otherwise. */
public const val DEFAULT_IN_FLIGHT: Int = 256

/**
 * Returns the answers to the items of this flow; the first failure ends it, as itself.
 *
 * At most [inFlight] items are on their way: taken from this flow, and their answers not yet
 * collected. So a slow collector, or a full engine, slows this flow down, and a cancelled
 * collection abandons at most that many. A failure in order is thrown behind the answers of all
 * earlier items; a failure of this flow itself, behind the answers of all items it has sent.
 *
 * @param inFlight at least 1; more than the engine's batch holds fills its batches
 * @param ordered whether answers come in the order of their items, or as they are ready
 * @throws anabranch.error.DescriptionException if [inFlight] is below 1
 */
@JvmSynthetic
public fun Flow<Item>.answeredBy(
  engine: Engine,
  inFlight: Int = DEFAULT_IN_FLIGHT,
  ordered: Boolean = true,
): Flow<Inference> = concurrently(inFlight, ordered, engine::answer)

/**
 * Returns what became of each item of this flow; an item that fails does not end it. Otherwise as
 * [answeredBy].
 */
@JvmSynthetic
public fun Flow<Item>.outcomesBy(
  engine: Engine,
  inFlight: Int = DEFAULT_IN_FLIGHT,
  ordered: Boolean = true,
): Flow<Outcome> =
  concurrently(inFlight, ordered) { item ->
    try {
      Outcome.Answered(item, engine.answer(item))
    } catch (failed: AnabranchException) {
      Outcome.Failed(item, failed)
    }
  }

/** Applies [answer] to at most [inFlight] elements at a time, counted until they are collected. */
@OptIn(ExperimentalCoroutinesApi::class)
internal fun <T, R> Flow<T>.concurrently(
  inFlight: Int,
  ordered: Boolean,
  answer: suspend (T) -> R,
): Flow<R> {
  Bounds.atLeast("flow.inFlight", inFlight, 1)
  return flow {
    supervisorScope {
      val places = Semaphore(inFlight)
      val answers =
        produce(capacity = inFlight) { sendAnswers(this@concurrently, places, ordered, answer) }
      for (answered in answers) {
        emit(answered.await())
        places.release()
      }
    }
  }
}

private suspend fun <T, R> ProducerScope<Deferred<R>>.sendAnswers(
  elements: Flow<T>,
  places: Semaphore,
  ordered: Boolean,
  answer: suspend (T) -> R,
) {
  var failure: Throwable? = null
  // What was started is answered even where the elements end in a failure.
  supervisorScope {
    try {
      elements.collect { element ->
        places.acquire()
        val answered = async(start = UNDISPATCHED) { answer(element) }
        if (ordered) send(answered)
        else
          launch {
            answered.join()
            send(answered)
          }
      }
    } catch (ended: Throwable) {
      failure = ended
    }
  }
  failure?.let { throw it }
}
