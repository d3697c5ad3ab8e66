package anabranch.dsl.text

import anabranch.model.plan.DepthChoice
import anabranch.model.plan.Exit
import anabranch.model.plan.Loop
import anabranch.model.plan.Part
import anabranch.model.plan.Plan
import anabranch.model.plan.Prune

/** Says a plan; blocks stand where they first run, as far as they do so in their order. */
internal class PlanText(
  private val plan: Plan,
  private val points: PointText?,
  private val layers: LayerText,
) {
  private val blocks = plan.blocks
  private val lines = mutableListOf<Said>()
  private var next = 0

  fun said(): List<Said> {
    var at = 0
    while (at < plan.parts.size) {
      val same = sameFrom(at)
      if (same > 0) {
        lines += added("layer", same)
      } else {
        part(plan.parts[at])
      }
      at += maxOf(1, same)
    }
    store(blocks.size)
    for ((name, order) in plan.alternatives.toSortedMap()) {
      val parts = order.map { numbered(it, plan.parts) }
      lines += Words("order").each(name).said(parts)
    }
    plan.chosen?.let { lines += Words("choose").each(it).said() }
    return lines
  }

  /** How many parts from there run the next blocks in their order, all of them equal. */
  private fun sameFrom(at: Int): Int {
    val fresh =
      plan.parts.drop(at).withIndex().takeWhile { (i, part) ->
        part == Part.Run(next + i) && blocks[next + i] == blocks[next]
      }
    return fresh.size
  }

  private fun added(word: String, count: Int): Said {
    val body = layers.layer(blocks[next])
    next += count
    return if (count == 1) Words(word).said(body)
    else Words(if (word == "layer") "layers" else word).each(count).said(body)
  }

  private fun alike(until: Int): Int =
    (next until until).takeWhile { blocks[it] == blocks[next] }.size

  /** Keeps the blocks before that number, where they have not run yet. */
  private fun store(until: Int) {
    while (next < until) {
      lines += added("stored", alike(until))
    }
  }

  private fun part(part: Part) {
    when {
      part is Part.Mean && part.blocks == List(part.blocks.size) { next + it } -> {
        val end = next + part.blocks.size
        val body = mutableListOf<Said>()
        while (next < end) body += added("layer", alike(end))
        lines += Words("mean").said(body)
      }
      part is Part.Run && part.block > next -> {
        store(part.block)
        lines += added("layer", 1)
      }
      else -> {
        store(1 + (numbers(part).maxOrNull() ?: -1))
        lines += numbered(part, listOf())
      }
    }
  }

  private fun numbers(part: Part): List<Int> =
    when (part) {
      is Part.Run -> listOf(part.block)
      is Part.Mean -> part.blocks
      is Loop -> part.body.flatMap(::numbers)
      else -> listOf()
    }

  /** Says a part by the numbers of its blocks, or by its id where another order has it. */
  private fun numbered(part: Part, known: List<Part>): Said {
    val id = idOf(part)
    return when {
      id != null && part in known -> Words("same").each(id).said()
      part is Part.Run -> Words("run").each(part.block).said()
      part is Part.Mean -> Words("mean").each(*part.blocks.toTypedArray()).said()
      part is Loop -> loop(part)
      points == null -> ofEncoder(part)
      else -> points.said(part)
    }
  }

  private fun loop(loop: Loop): Said {
    val until = loop.until?.let { listOf(untilOf(it)) } ?: listOf()
    return Words("loop").each(loop.times).said(loop.body.map { numbered(it, listOf()) } + until)
  }

  private fun ofEncoder(part: Part): Said =
    if (part is Exit) {
      val said = criterionOf(part.criterion, anabranch.model.plan.Criterion.learned())
      Words("exit").each(part.id).said(listOfNotNull(said).ifEmpty { null })
    } else {
      val choice = part as DepthChoice
      Words("choice")
        .each(choice.id)
        .with("pool", choice.pool)
        .unless(false, "bias", choice.bias)
        .said()
    }

  private fun idOf(part: Part): String? =
    when (part) {
      is Exit -> part.id
      is Prune -> part.id
      is DepthChoice -> part.id
      is Loop -> part.until?.id
      else -> null
    }
}
