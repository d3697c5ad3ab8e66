package anabranch.dsl

import anabranch.model.Input
import anabranch.model.layer.Activation
import anabranch.model.layer.Attention
import anabranch.model.layer.Bypass
import anabranch.model.layer.Chain
import anabranch.model.layer.FeedForward
import anabranch.model.layer.Latent
import anabranch.model.layer.Mixture
import anabranch.model.layer.Norm
import anabranch.model.layer.Operation
import anabranch.model.layer.RoutedHeads
import anabranch.model.layer.Skip
import anabranch.model.layer.Sublayer
import anabranch.model.position.Rotary
import anabranch.model.route.Capacity
import anabranch.model.route.Gate
import anabranch.model.route.Logits
import anabranch.model.route.Placement
import anabranch.model.route.Preference
import anabranch.model.route.Router
import anabranch.model.route.Routers
import anabranch.model.route.Score
import anabranch.model.route.Selection
import anabranch.model.route.Source
import kotlin.random.Random

/** Draws the operations of layers. */
abstract class DrawLayers(random: Random) : DrawValues(random) {
  protected fun operation(input: Input, memory: Boolean): Operation =
    when (random.nextInt(8)) {
      7 -> sliced()
      6 -> merged()
      5 -> modulated(input, memory)
      0 ->
        Skip(
          skipRouter(),
          modulatedOrNot(input, memory),
          pick(listOf(Bypass.MASK, Bypass.FREEZE_PROJECT)),
        )
      1 -> {
        val skip = Skip(skipRouter(), simple(input, memory), Bypass.MASK)
        Chain(chained(input, memory) + Sublayer("last", norm(), skip, norm(), norm(), factor()))
      }
      else -> simple(input, memory)
    }

  private fun modulatedOrNot(input: Input, memory: Boolean): Operation =
    when (random.nextInt(7)) {
      6 -> sliced()
      0 -> modulated(input, memory)
      1 -> merged()
      else -> skipped(input, memory)
    }

  /** Draws an attention whose graph has all rows. */
  protected fun full(): Attention = Attention.full(upTo(3), 2 * upTo(8))

  private fun merged(): Operation {
    val full = full()
    val latent = Latent(upTo(9).takeIf { yes() }, upTo(9), 0, upTo(9), null)
    val attention = if (yes()) full else full.withLatent(latent)
    val first = Sublayer("first", norm(), attention, norm(), norm(), factor())
    val more = List(upTo(2)) { Sublayer("m$it", norm(), feedForward(), norm(), norm(), factor()) }
    return Chain.Merged(
      upTo(9),
      upTo(4) - 1,
      List(upTo(3)) { upTo(9) - 1 },
      Chain(listOf(first) + more),
    )
  }

  private fun sliced(): Operation {
    val router = if (yes()) Routers.mohd(upTo(3) - 1, 1) else Routers.olmoe(1)
    val fusion = Mixture.Sliced.Fusion(pick(Mixture.Sliced.Fusion.Kind.entries), yes())
    return Mixture.Sliced(
      2 + upTo(4),
      upTo(9),
      activation(),
      yes(),
      router,
      pick(Mixture.Sliced.Scaling.entries),
      fusion.takeIf { yes() },
    )
  }

  private fun modulated(input: Input, memory: Boolean): Operation {
    val router = if (yes()) Routers.switchDit(6, 1, yes()) else Routers.olmoe(1)
    return Mixture.Modulated(upTo(4), router, skipped(input, memory))
  }

  private fun skipped(input: Input, memory: Boolean): Operation =
    if (yes()) simple(input, memory) else Chain(chained(input, memory))

  private fun chained(input: Input, memory: Boolean) =
    List(upTo(3)) { Sublayer("c$it", norm(), simple(input, memory), norm(), norm(), factor()) }

  private fun simple(input: Input, memory: Boolean): Operation =
    when (random.nextInt(4)) {
      0 -> attention(memory)
      1 -> feedForward()
      2 -> recurrence()
      else -> mixture(input)
    }

  private fun attention(memory: Boolean): Attention {
    val keyValueHeads = upTo(3)
    val masks = Attention.Mask.entries.filter { memory || it != Attention.Mask.MEMORY }
    val mask = pick(masks)
    val rotary = Rotary(1.0 + upTo(20_000)).takeIf { mask != Attention.Mask.MEMORY && yes() }
    val over = pick(Attention.QueryKeyNorm.Over.entries)
    if (mask != Attention.Mask.MEMORY && yes()) {
      return rarer(mask, rotary)
    }
    return Attention(
      keyValueHeads * upTo(3),
      keyValueHeads,
      2 * upTo(8),
      mask,
      rotary,
      pick(Attention.Bias.entries),
      Attention.Window(upTo(9), upTo(3) - 1).takeIf { mask == Attention.Mask.CAUSAL && yes() },
      Attention.QueryKeyNorm(Norm.Rms(upTo(9) / 1e6), over).takeIf { yes() },
      (upTo(9) / 2.0).takeIf { yes() },
      Attention.Scores(upTo(9) / 2.0, yes(), null).takeIf { yes() },
      null,
      null,
      null,
    )
  }

  /** Attention to short vectors, or whose heads or projections are routed. */
  private fun rarer(mask: Attention.Mask, rotary: Rotary?): Attention {
    val heads = upTo(3)
    val plain = Attention(heads, heads, 2 * upTo(8), mask, null, false)
    val latent = Latent(upTo(9).takeIf { yes() }, upTo(9), 0, upTo(9), null)
    val routed = RoutedHeads(upTo(4), Routers.granite(1), yes())
    val projections = Attention.RoutedProjections(upTo(4), Routers.switchHead(1))
    if (yes()) return plain.withLatent(latent)
    val rarer = if (yes()) plain.withRouted(routed) else plain.withProjections(projections)
    return rarer.withRotary(rotary)
  }

  protected fun feedForward(): FeedForward {
    val gated = yes()
    return FeedForward(upTo(64), activation(), gated, yes(), factor().takeIf { gated })
  }

  protected fun activation(): Activation = pick(Activation.entries)

  private fun mixture(input: Input): Mixture {
    val groups = Preference.Groups(upTo(3), 1, 1, yes()).takeIf { yes() }
    val each = upTo(4)
    val members = each * (groups?.count ?: 1)
    val identities = if (members > 1 && yes()) 1 else 0
    val experts = members - identities
    val selection = Selection.TopK(1 + random.nextInt(each), secondary())
    val capacity = if (yes()) Capacity.Unlimited() else limited()
    val after = capacity is Capacity.Limited && yes()
    val normalise = Gate.Normalise(1e-9, after).takeIf { yes() }
    val of = pick(Gate.Of.entries).takeIf { !near(it) || selection.secondary == null }
    val jitter = (upTo(5) / 10.0).takeIf { of != null && near(of) }
    val gate = Gate(of ?: Gate.Of.ONE, normalise, upTo(5) / 2.0, jitter)
    val (source, logits) = logits(input)
    val score = pick(Score.entries)
    val first = upTo(selection.k).takeIf { groups == null && selection.secondary == null && yes() }
    val preference = Preference(yes(), groups, first)
    val topK = Router(source, logits, score, preference, selection, gate, capacity, place())
    return Mixture(
      experts,
      feedForward(),
      if (yes()) topK else other(source, logits, members),
      yes(),
      Mixture.Shared(feedForward(), yes()).takeIf { yes() },
      Mixture.Specials.identities(1).takeIf { identities > 0 },
    )
  }

  private fun near(of: Gate.Of) = of == Gate.Of.SOFTMAX_OF_NEAR

  private fun other(source: Source, logits: Logits, experts: Int): Router {
    val selections =
      listOfNotNull(
        Selection.Threshold(upTo(9) / 4.0, yes()),
        Selection.Prefix(random.nextInt(experts + 1)),
        Selection.ExpertChoice(size()).takeIf { source == Source.HIDDEN },
      )
    return Router(
      source,
      logits,
      pick(Score.entries),
      Preference(yes(), null),
      pick(selections),
      plainGate(),
      Capacity.Unlimited(),
      place(),
    )
  }

  private fun skipRouter(): Router {
    val source = pick(listOf(Source.HIDDEN, Source.EVENT_MEAN, Source.PROMPT_MEAN))
    val choice = source == Source.HIDDEN && yes()
    return Router(
      source,
      Logits.Linear(yes()),
      pick(Score.entries),
      Preference(yes(), null),
      if (choice) Selection.ExpertChoice(size()) else Selection.Threshold(upTo(9) / 4.0, yes()),
      plainGate(),
      Capacity.Unlimited(),
      Placement.OUTPUT,
    )
  }

  private fun logits(input: Input): Pair<Source, Logits> {
    val drawn = Logits.Random(random.nextLong())
    val hashed =
      listOfNotNull(
        Logits.TokenHash(random.nextLong()),
        (input as? Input.Tokens)?.let { Logits.TokenTable(it.vocabulary) },
      )
    return when (random.nextInt(5)) {
      4 -> Source.CONDITION to Logits.Conditioned(6, activation(), yes())
      0 -> pick(listOf(Source.KEY, Source.KEY_AND_POSITION)) to drawn
      1 if input is Input.Tokens -> Source.TOKEN_ID to pick(hashed)
      2 -> Source.EVENT_MEAN to vectors()
      else -> Source.HIDDEN to vectors()
    }
  }

  private fun vectors(): Logits =
    if (seldom()) Logits.Network(upTo(9), pick(Activation.entries), yes()) else Logits.Linear(yes())

  private fun plainGate(): Gate {
    val of = pick(Gate.Of.entries.filter { !it.ofOthers() })
    return Gate(of, null, upTo(5) / 2.0)
  }

  private fun limited() =
    Capacity.Limited(size(), pick(Capacity.Population.entries), pick(Capacity.Priority.entries))

  private fun size(): Capacity.Size =
    if (yes()) Capacity.Size.Fixed(upTo(9))
    else Capacity.Size.Share(upTo(9) / 4.0, random.nextInt(4), pick(Capacity.Rounding.entries))

  private fun secondary() =
    Selection.Secondary(upTo(9) / 10.0, random.nextLong().takeIf { yes() }).takeIf { seldom() }

  private fun place(): Placement = pick(Placement.entries)
}
