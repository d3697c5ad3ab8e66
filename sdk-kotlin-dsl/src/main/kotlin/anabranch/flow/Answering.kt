@file:JvmName("Answering")

package anabranch.flow

import anabranch.engine.Engine
import anabranch.engine.Inference
import anabranch.engine.Item
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
@JvmSynthetic public suspend fun Engine.answer(item: Item): Inference = enter(item).await()

private suspend fun Engine.enter(item: Item): CompletableFuture<Inference> =
  Lines.of(this).withLock {
    var pause = 1L
    var accepted = offer(item).getOrNull()
    while (accepted == null) {
      delay(pause)
      pause = minOf(2 * pause, 16)
      accepted = offer(item).getOrNull()
    }
    accepted
  }

/** One fair line before each engine, kept as long as the engine. */
private object Lines {
  private val lines = WeakHashMap<Engine, Mutex>()

  fun of(engine: Engine): Mutex = synchronized(lines) { lines.getOrPut(engine) { Mutex() } }
}
