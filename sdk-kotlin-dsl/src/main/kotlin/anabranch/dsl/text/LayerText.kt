package anabranch.dsl.text

import anabranch.dsl.Norms
import anabranch.model.layer.Attention
import anabranch.model.layer.Block
import anabranch.model.layer.Bypass
import anabranch.model.layer.Chain
import anabranch.model.layer.FeedForward
import anabranch.model.layer.Mixture
import anabranch.model.layer.Norm
import anabranch.model.layer.Operation
import anabranch.model.layer.Recurrence
import anabranch.model.layer.Skip
import anabranch.model.layer.Sublayer

/** What stands around a sublayer, to be compared. */
internal data class Around(
  val before: Norm?,
  val after: Norm?,
  val afterSum: Norm?,
  val multiplier: Double?,
) {
  constructor(
    sublayer: Sublayer
  ) : this(sublayer.before, sublayer.after, sublayer.afterSum, sublayer.multiplier)

  fun said(): Said {
    val all =
      Words("Norms")
        .unless(null, "before", before)
        .unless(null, "after", after)
        .unless(null, "afterSum", afterSum)
        .unless(null, "multiplier", multiplier)
        .said()
    return when {
      before != null && after == null && afterSum == null ->
        Words("preNorm").each(before).unless(null, "multiplier", multiplier).said()
      this == Around(null, null, afterSum, null) && afterSum != null ->
        Words("postNorm").each(afterSum).said()
      else -> all
    }
  }

  companion object {
    val NOTHING = Around(null, null, null, null)

    fun of(norms: Norms) = Around(norms.before, norms.after, norms.afterSum, norms.multiplier)
  }
}

/** Says layers of a model of that width, whose sublayers usually have those norms. */
internal class LayerText(private val width: Int, private val usual: Around) {
  fun layer(block: Block): List<Said> = block.sublayers.map(::sublayer)

  fun sublayer(sublayer: Sublayer): Said {
    val operation = sublayer.operation
    val chained =
      operation is Chain ||
        operation is Chain.Merged ||
        operation is Skip && operation.operation is Chain ||
        operation is Mixture.Modulated && operation.operation is Chain
    val assumed = if (chained) Around.NOTHING else usual
    val words = words(operation)
    val around = Around(sublayer)
    if (around != assumed) words.with("norms", around.said())
    words.unless(Sublayer.nameOf(operation), "name", sublayer.name)
    return words.said(body(operation))
  }

  private fun bare(operation: Operation): Said = words(operation).said(body(operation))

  private fun words(operation: Operation): Words =
    when (operation) {
      is Attention -> attention(operation)
      is FeedForward -> Words("feedForward").network(operation)
      is Recurrence ->
        Words("recurrence")
          .each(operation.inner)
          .unless(16, "states", operation.states)
          .unless(4, "convolution", operation.convolution)
          .with("rank", operation.rank)
      is Recurrence.LinearMemory ->
        Words("linearMemory")
          .each(operation.inputs)
          .with("states", operation.states)
          .unless(false, "bias", operation.bias)
      is Mixture -> mixture(operation)
      is Mixture.Modulated -> Words("modulated").each(operation.experts, operation.router)
      is Mixture.Sliced -> sliced(operation)
      is Skip -> Words("skip").each(operation.router).unless(Bypass.MASK, "keys", operation.keys)
      is Chain.Merged ->
        Words("merged")
          .with("size", operation.size)
          .with("fine", operation.fine)
          .with("kept", operation.kept)
      is Chain -> Words("chain")
    }

  private fun body(operation: Operation): List<Said>? =
    when (operation) {
      is Mixture.Modulated -> listOf(bare(operation.operation))
      is Skip -> listOf(bare(operation.operation))
      is Chain.Merged -> operation.chain.sublayers.map(::sublayer)
      is Chain -> operation.sublayers.map(::sublayer)
      else -> null
    }

  private fun sliced(sliced: Mixture.Sliced): Words =
    Words("slices")
      .each(sliced.slices)
      .with("length", sliced.length)
      .with("router", sliced.router)
      .with("scaling", sliced.scaling)
      .with("fusion", sliced.fusion)
      .with("activation", sliced.activation)
      .unless(false, "bias", sliced.bias)

  private fun mixture(mixture: Mixture): Words {
    val expert = mixture.expert
    return Words("experts")
      .each(mixture.experts)
      .with("inner", expert.inner)
      .with("router", mixture.router)
      .unless(anabranch.model.layer.Activation.GELU, "activation", expert.activation)
      .unless(false, "gated", expert.gated)
      .unless(false, "bias", expert.bias)
      .unless(false, "constant", mixture.constant)
      .unless(null, "shared", mixture.shared)
      .unless(null, "specials", mixture.specials)
      .unless(null, "limit", expert.limit)
  }

  private fun attention(attention: Attention): Words {
    val heads = attention.heads
    val share = if (width % heads == 0) width / heads else null
    val latent = attention.latent
    val words =
      Words("attention")
        .with("heads", heads)
        .unless(share, "headWidth", attention.headWidth)
        .unless(heads, "keyValueHeads", attention.keyValueHeads)
        .unless(Attention.Mask.CAUSAL, "mask", attention.mask)
    if (latent == null) words.unless(null, "rotary", attention.rotary)
    words.unless(false, "bias", attention.bias == Attention.Bias.ALL)
    if (attention.bias == Attention.Bias.QUERY_KEY_VALUE) words.more("withBias", attention.bias)
    attention.window?.let { words.more("withWindow", if (it.first == 0) it.rows else it) }
    attention.norm?.let { words.more("withNorm", it.norm, it.over) }
    attention.clip?.let { words.more("withClip", it) }
    attention.scores?.let { words.more("withScores", it) }
    if (latent != null) {
      words.more("withLatent", latent)
      attention.rotary?.let { words.more("withRotary", it) }
    }
    attention.routed?.let { words.more("withRouted", it) }
    attention.projections?.let { words.more("withProjections", it) }
    return words
  }
}
