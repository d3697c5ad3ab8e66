package anabranch.samples.app

import anabranch.backend.Event
import anabranch.engine.Engine
import anabranch.engine.Inference
import anabranch.engine.Item
import anabranch.flow.Outcome.Answered
import anabranch.flow.Outcome.Failed
import anabranch.flow.outcomesBy
import kotlin.math.exp
import kotlin.math.ln
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.map

/** An event and how unexpected its bytes are on average; NaN if it has none. */
data class Scored(val event: Event, val bitsPerByte: Double)

/**
 * Scores events in order. At most [inFlight] are on their way, so a slow collector slows this flow
 * down; a collector that stops takes back those that wait.
 */
fun Flow<Event>.scoredBy(engine: Engine, inFlight: Int = 16): Flow<Scored> = map {
  Item.of("event", it)
}
  .outcomesBy(engine, inFlight)
  .map { outcome ->
    when (outcome) {
      is Answered -> Scored(outcome.item.event(), bits(outcome.item.event(), outcome.inference))
      is Failed -> throw outcome.cause
    }
  }

/** Each row predicts the byte that the next row holds. */
private fun bits(event: Event, answer: Inference): Double =
  (1 until event.rows())
    .map { row ->
      val logits = FloatArray(answer.outputs()).also(answer.logits(row - 1)::get)
      val most = logits.max()
      (ln(logits.sumOf { exp((it - most).toDouble()) }) + most - logits[event.token(row)]) / ln(2.0)
    }
    .average()
