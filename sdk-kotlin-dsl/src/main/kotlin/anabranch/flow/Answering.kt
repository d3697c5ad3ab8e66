@file:JvmName("Answering")

package anabranch.flow

import anabranch.backend.Event
import anabranch.engine.Engine
import anabranch.engine.Inference
import anabranch.engine.Item
import anabranch.engine.Sequence
import java.util.Optional
import java.util.WeakHashMap
import java.util.concurrent.CompletableFuture
import kotlin.jvm.optionals.getOrNull
import kotlinx.coroutines.delay
import kotlinx.coroutines.future.await
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock

/**
 * Returns the answer to an item, suspending while the engine's queue is full and until the item has
 * run; no thread waits. Callers of one engine enter its queue in the order in which they called.
 *
 * While the queue is full, the first in line looks again after 1 ms, then after twice as long each
 * time, up to 16 ms; the others sleep behind it.
 *
 * Cancelling the coroutine removes the item: from the line or the queue at once, from a running
 * batch behind its current stage. The caller goes on in its own dispatcher, never on a thread of
 * the engine unless that dispatcher is unconfined.
 *
 * @throws anabranch.error.ExecutionException if the item does not fit the model or cannot be
 *   computed
 * @throws IllegalStateException if the engine is closed
 */
@JvmSynthetic
public suspend fun Engine.answer(item: Item): Inference = enter(this) { offer(item) }.await()

/**
 * Returns the answer to the next rows of a sequence, as [Engine.answer] does for an item: callers
 * of one sequence enter it in the order in which they called.
 *
 * @param event at position 0, whatever came before: the sequence gives it its place
 */
@JvmSynthetic
public suspend fun Sequence.answer(event: Event): Inference =
  enter(this) { offer(Item.of(id(), event)) }.await()

private suspend fun enter(
  door: Any,
  offer: () -> Optional<CompletableFuture<Inference>>,
): CompletableFuture<Inference> =
  Lines.of(door).withLock {
    var pause = 1L
    var accepted = offer().getOrNull()
    while (accepted == null) {
      delay(pause)
      pause = minOf(2 * pause, 16)
      accepted = offer().getOrNull()
    }
    accepted
  }

/** One fair line before each engine and each sequence, kept as long as these. */
private object Lines {
  private val lines = WeakHashMap<Any, Mutex>()

  fun of(door: Any): Mutex = synchronized(lines) { lines.getOrPut(door) { Mutex() } }
}
