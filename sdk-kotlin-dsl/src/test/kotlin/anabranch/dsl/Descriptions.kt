package anabranch.dsl

import anabranch.model.Activation
import anabranch.model.Attention
import anabranch.model.Block
import anabranch.model.Embedding
import anabranch.model.Exit
import anabranch.model.FeedForward
import anabranch.model.Head
import anabranch.model.Input
import anabranch.model.Mixture
import anabranch.model.ModelSpec
import anabranch.model.Norm
import anabranch.model.Operation
import anabranch.model.Plan
import anabranch.model.Sublayer
import anabranch.model.route.Capacity
import anabranch.model.route.Gate
import anabranch.model.route.Logits
import anabranch.model.route.Placement
import anabranch.model.route.Preference
import anabranch.model.route.Router
import anabranch.model.route.Score
import anabranch.model.route.Selection
import anabranch.model.route.Source
import io.kotest.property.Arb
import io.kotest.property.arbitrary.arbitrary
import kotlin.random.Random

/** Draws valid descriptions, written with the constructors of the records alone. */
fun descriptions(): Arb<ModelSpec> = arbitrary { Draw(it.random).spec() }

private class Draw(private val random: Random) {
  fun spec(): ModelSpec {
    val tokens = yes()
    val input = if (tokens) Input.Tokens(upTo(300), upTo(64)) else Input.Features(upTo(9), upTo(64))
    val ngrams =
      Embedding.Ngrams(
        listOf(2, 3, 4, 8).shuffled(random).take(upTo(4)),
        1 shl upTo(10),
        upTo(9),
        0,
      )
    val head = head(upTo(5), ofItem = yes())
    val blocks = List(upTo(5)) { block(tokens) }
    return ModelSpec(
      "m${upTo(999)}",
      upTo(64),
      input,
      Embedding(yes(), ngrams.takeIf { tokens && yes() }, norm()),
      Plan(
        blocks.flatMapIndexed { i, block ->
          val last = i == blocks.lastIndex
          if (last || yes()) listOf(block) else listOf(block, exit(i, head, blocks.drop(i + 1)))
        }
      ),
      head,
    )
  }

  private fun exit(index: Int, final: Head, later: List<Block>): Exit {
    val ofItem = final.pool.ofItem()
    val own = if (yes()) final else head(final.outputs, ofItem)
    val criterion =
      Exit.Criterion(pick(Exit.Criterion.Score.values()), pick(Exit.Criterion.Comparison.values()))
    val bypass =
      when {
        ofItem -> Exit.Bypass.TERMINATE
        later.any(Block::mixes) -> Exit.Bypass.FREEZE_PROJECT
        else -> pick(Exit.Bypass.values())
      }
    return Exit("e$index", own, criterion, bypass)
  }

  private fun head(outputs: Int, ofItem: Boolean): Head {
    val pool = pick(Head.Pool.values().filter { it.ofItem() == ofItem }.toTypedArray())
    return Head(pool, norm(), outputs, yes())
  }

  private fun block(tokens: Boolean): Block =
    Block(List(upTo(3)) { Sublayer("s$it", norm(), operation(tokens), norm(), norm()) })

  private fun operation(tokens: Boolean): Operation =
    when (random.nextInt(3)) {
      0 -> {
        val keyValueHeads = upTo(3)
        val rotary = if (yes()) Attention.Rotary(1.0 + upTo(20_000)) else null
        Attention(
          keyValueHeads * upTo(3),
          keyValueHeads,
          2 * upTo(8),
          pick(Attention.Mask.values()),
          rotary,
          yes(),
        )
      }
      1 -> feedForward()
      else -> mixture(tokens)
    }

  private fun feedForward() = FeedForward(upTo(64), pick(Activation.values()), yes(), yes())

  private fun mixture(tokens: Boolean): Mixture {
    val groups = Preference.Groups(upTo(3), 1, 1, yes()).takeIf { yes() }
    val each = upTo(4)
    val experts = each * (groups?.count ?: 1)
    val hashed = tokens && yes()
    val logits = if (hashed) Logits.TokenHash(random.nextLong()) else Logits.Linear(yes())
    val gate = Gate(pick(Gate.Of.values()), Gate.Normalise(1e-9).takeIf { yes() }, upTo(5) / 2.0)
    val router =
      Router(
        if (hashed) Source.TOKEN_ID else Source.HIDDEN,
        logits,
        pick(Score.values()),
        Preference(yes(), groups),
        Selection.TopK(1 + random.nextInt(each)),
        gate,
        Capacity.Unlimited(),
        pick(Placement.values()),
      )
    return Mixture(experts, feedForward(), router)
  }

  private fun norm(): Norm? =
    when (random.nextInt(3)) {
      0 -> null
      1 -> Norm.Layer(upTo(9) * 1e-6)
      else -> Norm.Rms(upTo(9) * 1e-6)
    }

  private fun yes() = random.nextBoolean()

  private fun upTo(most: Int) = 1 + random.nextInt(most)

  private fun <T> pick(from: Array<T>): T = from[random.nextInt(from.size)]
}
