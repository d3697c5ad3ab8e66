@file:JvmName("TypedFlows")

package anabranch.typed

import anabranch.engine.Engine
import anabranch.flow.DEFAULT_IN_FLIGHT
import anabranch.flow.concurrently
import kotlinx.coroutines.flow.Flow

/** Returns this engine behind two classes; see [TypedEngine.of]. */
@JvmSynthetic
public inline fun <reified In : Any, reified Out : Any> Engine.typed(
  noinline id: (In) -> String = { In::class.java.simpleName }
): TypedEngine<In, Out> = TypedEngine.of(this, In::class.java, Out::class.java, id)

/**
 * Returns the answers to the objects of this flow, one row each; the first failure ends it. Bounds
 * and order are those of [anabranch.flow.answeredBy].
 */
@JvmSynthetic
public fun <In : Any, Out : Any> Flow<In>.answeredBy(
  engine: TypedEngine<In, Out>,
  inFlight: Int = DEFAULT_IN_FLIGHT,
  ordered: Boolean = true,
): Flow<Out> = concurrently(inFlight, ordered) { event -> engine.answer(event) }
