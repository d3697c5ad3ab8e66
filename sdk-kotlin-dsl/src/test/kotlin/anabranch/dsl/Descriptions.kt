package anabranch.dsl

import anabranch.model.Embedding
import anabranch.model.Encoder
import anabranch.model.Input
import anabranch.model.ModelSpec
import anabranch.model.layer.Attention
import anabranch.model.layer.Block
import anabranch.model.layer.Bypass
import anabranch.model.layer.Chain
import anabranch.model.layer.Norm
import anabranch.model.layer.Operation
import anabranch.model.layer.Recurrence
import anabranch.model.layer.Sublayer
import anabranch.model.plan.Criterion
import anabranch.model.plan.DepthChoice
import anabranch.model.plan.Exit
import anabranch.model.plan.GraphRank
import anabranch.model.plan.Head
import anabranch.model.plan.Loop
import anabranch.model.plan.Part
import anabranch.model.plan.Plan
import anabranch.model.plan.Prune
import io.kotest.property.Arb
import io.kotest.property.arbitrary.arbitrary
import kotlin.random.Random

/** Draws valid descriptions, written with the constructors of the records alone. */
fun descriptions(): Arb<ModelSpec> = arbitrary { Draw(it.random).spec() }

private class Draw(random: Random) : DrawLayers(random) {
  fun spec(): ModelSpec {
    val width = upTo(64)
    val encoder = if (seldom()) encoder(width) else null
    val input = input()
    val head = head(upTo(5), ofItem = yes())
    val blocks = blocks(input, encoder != null)
    return ModelSpec(
      "m${upTo(999)}",
      width,
      encoder,
      input,
      embedding(input, width),
      plan(blocks, head),
      head,
    )
  }

  private fun encoder(width: Int): Encoder {
    val input = input()
    val blocks = blocks(input, memory = false)
    val parts = blocks.indices.map(::run).toMutableList()
    if (blocks.size > 1 && yes()) {
      val score = pick(arrayOf(Criterion.Score.LEARNED, Criterion.Score.SATURATION))
      val criterion = Criterion(score, pick(Criterion.Comparison.entries))
      parts.add(1, Exit("e", null, criterion, Bypass.TERMINATE))
    }
    return Encoder(input, embedding(input, width), Plan(blocks, parts, mapOf(), null), norm())
  }

  private fun input(): Input =
    when (random.nextInt(3)) {
      0 -> Input.Tokens(upTo(300), upTo(64))
      1 -> Input.Features(upTo(9), upTo(64))
      else ->
        Input.Records(
          List(upTo(4)) {
            val levels = upTo(9)
            if (yes()) Input.Field.Numeric("f$it")
            else Input.Field.Category("f$it", levels, random.nextInt(levels))
          },
          upTo(64),
        )
    }

  private fun embedding(input: Input, width: Int): Embedding {
    val orders = listOf(2, 3, 4, 8).shuffled(random).take(upTo(4))
    val ngrams = Embedding.Ngrams(orders, 1 shl upTo(10), upTo(9), 0)
    val added = ngrams.takeIf { input is Input.Tokens && yes() }
    val waves = Embedding.Sinusoids(random.nextInt(3)).takeIf { width >= 4 && yes() }
    return Embedding(yes(), added, norm(), factor(), waves)
  }

  private fun blocks(input: Input, memory: Boolean): List<Block> =
    List(upTo(5)) {
      Block(
        List(upTo(3)) {
          Sublayer("s$it", norm(), operation(input, memory), norm(), norm(), factor())
        } +
          if (yes()) listOf(Sublayer("full", norm(), full(), norm(), norm(), factor()))
          else listOf()
      )
    }

  private fun plan(blocks: List<Block>, head: Head): Plan {
    val told = seldom() && blocks.size > 1
    val parts = order(blocks, head, told, "")
    val other =
      if (seldom() && !told) mapOf("other" to order(blocks, head, false, "o")) else mapOf()
    return Plan(blocks, parts, other, if (other.isNotEmpty() && yes()) "other" else null)
  }

  private fun order(blocks: List<Block>, head: Head, told: Boolean, prefix: String): List<Part> {
    val parts = mutableListOf<Part>()
    if (told) {
      val pool = if (head.pool.ofItem() || yes()) Head.Pool.LAST else Head.Pool.EACH
      parts += DepthChoice("c", DepthChoice.From.ROWS, pool, yes())
    }
    for (i in blocks.indices) {
      parts += if (seldom()) running(blocks, i, head, "${prefix}h$i") else run(i)
      if (i == blocks.lastIndex) continue
      val must = told && i == 0
      val attends = !must && parts.last() is Part.Run && drawsGraph(blocks[i])
      if (head.pool == Head.Pool.MEAN && !must && (attends || seldom())) {
        parts += prune("${prefix}p$i", attends, merges(parts, blocks))
      } else if (must || yes()) {
        parts += exit("${prefix}e$i", head, must)
      }
    }
    return parts
  }

  /** Returns whether rows were merged since the last decision. */
  private fun merges(parts: List<Part>, blocks: List<Block>): Boolean =
    parts
      .takeLastWhile { it is Part.Run }
      .any { run -> blocks[(run as Part.Run).block].operations().any { it is Chain.Merged } } ||
      parts.any { it is Part.Mean }

  private fun drawsGraph(block: Block): Boolean {
    val all = block.operations().filterIsInstance<Attention>()
    val last = all.lastOrNull { it.mask != Attention.Mask.MEMORY }
    return last != null &&
      last.mask == Attention.Mask.FULL &&
      last.latent == null &&
      last.routed == null &&
      block.sublayers.any { it.operation === last }
  }

  private fun prune(id: String, graph: Boolean, merges: Boolean): Prune {
    val kept = listOf(0, 3).take(random.nextInt(3))
    val rank =
      GraphRank(
        pick(GraphRank.Direction.entries),
        upTo(1024),
        random.nextInt(3) * 1e-6,
        random.nextInt(3) / 64.0,
        upTo(3) / 16.0,
      )
    return when (if (graph) random.nextInt(4) else 0) {
      0 -> Prune(id, Criterion.Score.LEARNED, kept)
      1 ->
        if (merges) Prune(id, Criterion.Score.LEARNED, kept)
        else Prune(id, Criterion.Score.ATTENTION_RECEIVED, kept)
      2 -> Prune.graphRank(id, kept, rank)
      else -> Prune.redundancy(id, kept, rank, pick(Prune.Compared.entries))
    }
  }

  private fun running(blocks: List<Block>, i: Int, head: Head, id: String): Part {
    val mean = Part.Mean(List(upTo(3)) { random.nextInt(blocks.size) }.distinct())
    if (yes()) return mean
    val ofItem = head.pool.ofItem() && yes()
    val halt =
      Loop.Halt(
        id,
        if (ofItem) Head.Pool.MEAN else Head.Pool.EACH,
        Criterion.saturation(),
        if (ofItem) Bypass.TERMINATE else pick(arrayOf(Bypass.FREEZE_PROJECT, Bypass.MASK)),
      )
    return Loop(listOf(run(i), mean), upTo(4), halt.takeIf { yes() })
  }

  private fun exit(id: String, final: Head, chosen: Boolean): Exit {
    val ofItem = final.pool.ofItem()
    // Rows may be dropped before a mean, so that an exit of such a plan reads one too.
    val own = if (yes() || final.pool == Head.Pool.MEAN) final else head(final.outputs, ofItem)
    val rest =
      Criterion.Score.entries.filter { it.ofAttention() || it == Criterion.Score.CHOSEN } +
        listOf(Criterion.Score.LEARNED).filter { own.pool == Head.Pool.FLATTEN }
    val scores = Criterion.Score.entries - rest.toSet()
    val score = if (chosen) Criterion.Score.CHOSEN else pick(scores)
    val modes = listOf(Bypass.FREEZE_PROJECT, Bypass.MASK, Bypass.DEFER_RECOMPUTE)
    val bypass = if (ofItem) Bypass.TERMINATE else pick(modes)
    return Exit(id, own, Criterion(score, pick(Criterion.Comparison.entries)), bypass)
  }

  private fun head(outputs: Int, ofItem: Boolean): Head {
    val pool = pick(Head.Pool.entries.filter { it.ofItem() == ofItem })
    val hidden = if (yes()) null else Head.Hidden(upTo(9), activation())
    val body =
      if (!seldom()) null
      else
        Block(
          List(upTo(2)) {
            val operation = if (yes()) feedForward() else recurrence()
            Sublayer("b$it", norm(), operation, norm(), norm(), factor())
          }
        )
    val before = norm().takeIf { pool != Head.Pool.FLATTEN }
    return Head(pool, body, before, hidden, outputs, yes(), factor())
  }

  private fun run(block: Int): Part = Part.Run(block)
}

/** What any part of a description may draw. */
abstract class DrawValues(protected val random: Random) {
  protected fun norm(): Norm? =
    when (random.nextInt(3)) {
      0 -> null
      1 -> Norm.Layer(upTo(9) * 1e-6)
      else -> Norm.Rms(upTo(9) * 1e-6)
    }

  protected fun factor(): Double? = (upTo(9) / 4.0).takeIf { yes() }

  protected fun recurrence(): Operation =
    if (yes()) Recurrence(upTo(9), upTo(9), upTo(9), upTo(9))
    else Recurrence.LinearMemory(upTo(9), upTo(9), yes())

  protected fun yes() = random.nextBoolean()

  protected fun seldom() = random.nextInt(4) == 0

  protected fun upTo(most: Int) = 1 + random.nextInt(most)

  protected fun <T> pick(from: Array<T>): T = from[random.nextInt(from.size)]

  protected fun <T> pick(from: List<T>): T = from[random.nextInt(from.size)]
}
