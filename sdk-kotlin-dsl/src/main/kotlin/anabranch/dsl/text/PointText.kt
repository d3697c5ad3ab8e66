package anabranch.dsl.text

import anabranch.model.layer.Bypass
import anabranch.model.plan.Criterion
import anabranch.model.plan.DepthChoice
import anabranch.model.plan.Exit
import anabranch.model.plan.Head
import anabranch.model.plan.Loop
import anabranch.model.plan.Part
import anabranch.model.plan.Prune

/** Says heads, and where units of a model leave. */
internal class PointText(
  private val final: Head,
  private val usual: Around,
  private val layers: LayerText,
) {
  fun head(head: Head): Said {
    val norm = if (head.pool == Head.Pool.FLATTEN) null else usual.before
    return Words("head")
      .with("outputs", head.outputs)
      .unless(Head.Pool.EACH, "pool", head.pool)
      .unless(false, "bias", head.bias)
      .unless(norm, "norm", head.norm)
      .unless(null, "hidden", head.hidden)
      .unless(null, "multiplier", head.multiplier)
      .said(head.body?.let(layers::layer))
  }

  fun said(part: Part): Said =
    when (part) {
      is Exit -> Words("exit").each(part.id).said(exit(part).ifEmpty { null })
      is Prune -> Words("prune").each(part.id).said(prune(part).ifEmpty { null })
      is DepthChoice ->
        Words("choice")
          .each(part.id)
          .with("pool", part.pool)
          .unless(DepthChoice.From.ROWS, "from", part.from)
          .unless(false, "bias", part.bias)
          .said()
      else -> error(part)
    }

  private fun exit(exit: Exit): List<Said> =
    listOfNotNull(
      criterionOf(exit.criterion, Criterion.confidence()),
      exit.head?.takeIf { it != final }?.let(::head),
      bypassOf(exit.bypass),
    )

  private fun prune(prune: Prune): List<Said> {
    val assumed = if (final.pool == Head.Pool.FIRST) listOf(0) else listOf()
    return listOfNotNull(
      scoreOf(prune),
      if (prune.kept == assumed) null else Words("keep").each(*prune.kept.toTypedArray()).said(),
    )
  }
}

private fun scoreOf(prune: Prune): Said? {
  val rank =
    prune.rank
      ?: return Words("attentionReceived").said().takeIf {
        prune.score == Criterion.Score.ATTENTION_RECEIVED
      }
  val words = if (prune.compared == null) Words("graphRank") else Words("redundancy")
  return words
    .unless(null, "compared", prune.compared)
    .with("direction", rank.direction)
    .with("iterations", rank.iterations)
    .with("epsilon", rank.epsilon)
    .with("leastVariance", rank.leastVariance)
    .with("mostVariance", rank.mostVariance)
    .said()
}

internal fun untilOf(halt: Loop.Halt): Said {
  val inside =
    listOfNotNull(criterionOf(halt.criterion, Criterion.learned()), bypassOf(halt.bypass))
  return Words("until").each(halt.id, halt.pool).said(inside.ifEmpty { null })
}

/** A leaver owes nothing unless told so wherever that is allowed, so that this need not be said. */
private fun bypassOf(bypass: Bypass): Said? =
  if (bypass == Bypass.TERMINATE) null else Words("bypass").each(bypass).said()

internal fun criterionOf(criterion: Criterion, usual: Criterion): Said? =
  if (criterion == usual) null
  else if (criterion == Criterion.learned()) Words("learned").said()
  else if (criterion == Criterion.saturation()) Words("saturation").said()
  else Words("criterion").each(criterion.score, criterion.comparison).said()
