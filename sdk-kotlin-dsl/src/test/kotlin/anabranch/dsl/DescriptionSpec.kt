package anabranch.dsl

import anabranch.model.Embedding
import anabranch.model.Input
import anabranch.model.ModelSpec
import anabranch.model.layer.Attention
import anabranch.model.layer.Block
import anabranch.model.layer.Chain
import anabranch.model.layer.FeedForward
import anabranch.model.layer.Mixture
import anabranch.model.layer.Operation
import anabranch.model.layer.Recurrence
import anabranch.model.layer.Skip
import anabranch.model.layer.Sublayer
import anabranch.model.plan.Criterion
import anabranch.model.plan.DepthChoice
import anabranch.model.plan.Exit
import anabranch.model.plan.Head
import anabranch.model.plan.Loop
import anabranch.model.plan.Part
import anabranch.model.plan.Plan
import anabranch.model.plan.Prune
import anabranch.model.route.Router
import io.kotest.common.ExperimentalKotest
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.ints.shouldBeGreaterThan
import io.kotest.matchers.shouldBe
import io.kotest.property.PropTestConfig
import io.kotest.property.checkAll

@OptIn(ExperimentalKotest::class)
class DescriptionSpec :
  FunSpec({
    test("anyDescriptionSaidInTheLanguageEqualsTheConstructedOne") {
      val seen = mutableMapOf<String, Int>()
      checkAll(PropTestConfig(seed = 20_260_101, iterations = 1_000), descriptions()) { spec ->
        said(spec) shouldBe spec
        val plans = listOfNotNull(spec.plan, spec.encoder?.plan)
        val parts = plans.flatMap { it.order() } + spec.plan.alternatives.values.flatten()
        val operations = plans.flatMap { it.blocks }.flatMap(Block::operations)
        for (each in parts + operations) seen.merge(each::class.simpleName!!, 1, Int::plus)
        for (prune in parts.filterIsInstance<Prune>()) seen.merge("${prune.score}", 1, Int::plus)
      }
      val names =
        "Run Mean Loop Exit Prune DepthChoice Attention FeedForward Mixture Recurrence " +
          "LinearMemory Skip Chain"
      for (name in names.split(" ")) {
        (seen[name] ?: 0) shouldBeGreaterThan 50
      }
      for (score in Criterion.Score.entries.filter { it.ofAttention() }) {
        (seen["$score"] ?: 0) shouldBeGreaterThan 10
      }
    }
  })

/** Says a description in the language, reading it part by part. */
private fun said(spec: ModelSpec): ModelSpec =
  model(spec.name, spec.width) {
    spec.encoder?.let { read ->
      encoder(norm = read.norm) {
        say(read.input, read.embedding)
        stored(read.plan.blocks.size) { say(read.plan.blocks[it]) }
        for (part in read.plan.parts) {
          if (part is Exit) {
            exit(part.id) { criterion(part.criterion.score, part.criterion.comparison) }
          } else {
            sayRun(part)
          }
        }
      }
    }
    say(spec.input, spec.embedding)
    spec.head.let {
      head(it.outputs, it.pool, it.bias, it.norm, it.hidden, it.multiplier, body(it))
    }
    say(spec.plan)
  }

private fun ModelBuilder.say(plan: Plan) {
  stored(plan.blocks.size) { say(plan.blocks[it]) }
  for (part in plan.parts) {
    when (part) {
      is Exit -> exit(part.id) { say(part) }
      is Prune -> prune(part.id) { say(part) }
      is DepthChoice -> choice(part.id, part.pool, part.from, part.bias)
      is Loop ->
        loop(part.times) {
          part.body.forEach { sayRun(it) }
          part.until?.let { until(it.id, it.pool) { say(it) } }
        }
      else -> sayRun(part)
    }
  }
  for ((name, parts) in plan.alternatives) {
    order(name) { parts.forEach { say(it) } }
  }
  plan.chosen?.let { choose(it) }
}

private fun OrderBuilder.say(part: Part) {
  when (part) {
    is Exit -> exit(part.id) { say(part) }
    is Prune -> prune(part.id) { say(part) }
    is DepthChoice -> choice(part.id, part.pool, part.from, part.bias)
    is Loop ->
      loop(part.times) {
        part.body.forEach { sayRun(it) }
        part.until?.let { until(it.id, it.pool) { say(it) } }
      }
    else -> sayRun(part)
  }
}

private fun NumberWords.sayRun(part: Part) {
  if (part is Part.Mean) mean(*part.blocks.toIntArray()) else run((part as Part.Run).block)
}

private fun RowsWords.say(input: Input, embedding: Embedding) {
  when (input) {
    is Input.Tokens -> tokens(input.vocabulary, input.maxLength)
    is Input.Features -> features(input.features, input.maxLength)
    is Input.Records ->
      records(input.maxLength) {
        for (field in input.fields) {
          when (field) {
            is Input.Field.Numeric -> number(field.name)
            is Input.Field.Category -> category(field.name, field.levels, field.unknown)
          }
        }
      }
  }
  embedding.run { embedding(learnedPositions, ngrams, norm, multiplier, sinusoids) }
}

private fun ExitBuilder.say(exit: Exit) {
  criterion(exit.criterion.score, exit.criterion.comparison)
  exit.head!!.let {
    head(it.outputs, it.pool, it.bias, it.norm, it.hidden, it.multiplier, body(it))
  }
  bypass(exit.bypass)
}

private fun HaltBuilder.say(halt: Loop.Halt) {
  criterion(halt.criterion.score, halt.criterion.comparison)
  bypass(halt.bypass)
}

private fun PruneBuilder.say(prune: Prune) {
  val rank = prune.rank
  val compared = prune.compared
  when {
    rank == null && prune.score == Criterion.Score.LEARNED -> learned()
    rank == null -> attentionReceived()
    compared == null ->
      graphRank(
        rank.direction,
        rank.iterations,
        rank.epsilon,
        rank.leastVariance,
        rank.mostVariance,
      )
    else ->
      redundancy(
        compared,
        rank.direction,
        rank.iterations,
        rank.epsilon,
        rank.leastVariance,
        rank.mostVariance,
      )
  }
  keep(*prune.kept.toIntArray())
}

private fun more(said: Attention, wanted: Attention): Attention =
  said
    .withBias(wanted.bias)
    .withWindow(wanted.window)
    .withNorm(wanted.norm)
    .withClip(wanted.clip)
    .withScores(wanted.scores)
    .withLatent(wanted.latent)
    .withRouted(wanted.routed)
    .withProjections(wanted.projections)

private fun body(head: Head): (BodyBuilder.() -> Unit)? {
  val body = head.body ?: return null
  return {
    for (s in body.sublayers) {
      when (val o = s.operation) {
        is FeedForward ->
          feedForward(o.inner, o.activation, o.gated, o.bias, around(s), s.name, o.limit)
        is Recurrence -> recurrence(o.inner, o.states, o.convolution, o.rank, around(s), s.name)
        is Recurrence.LinearMemory -> linearMemory(o.inputs, o.states, o.bias, around(s), s.name)
        else -> error(o)
      }
    }
  }
}

private fun LayerBuilder.say(block: Block) {
  for (s in block.sublayers) {
    when (val o = s.operation) {
      is Chain -> chain(around(s), s.name) { o.sublayers.forEach { sayOrSkip(it) } }
      else -> sayOrSkip(s)
    }
  }
}

private fun SkipWords.sayOrSkip(s: Sublayer) {
  when (val o = s.operation) {
    is Skip -> skip(again(o.router), o.keys, around(s), s.name) { say(o.operation) }
    else -> say(s)
  }
}

private fun SublayerWords.say(s: Sublayer) {
  val norms = around(s)
  when (val o = s.operation) {
    is Attention ->
      attention(o.heads, o.headWidth, o.keyValueHeads, o.mask, o.rotary, false, norms, s.name) {
        more(it, o)
      }
    is FeedForward -> feedForward(o.inner, o.activation, o.gated, o.bias, norms, s.name, o.limit)
    is Recurrence -> recurrence(o.inner, o.states, o.convolution, o.rank, norms, s.name)
    is Recurrence.LinearMemory -> linearMemory(o.inputs, o.states, o.bias, norms, s.name)
    is Mixture.Modulated ->
      modulated(o.experts, again(o.router), norms, s.name) { say(o.operation) }
    is Mixture.Sliced ->
      slices(
        o.slices,
        o.length,
        again(o.router),
        o.scaling,
        o.fusion,
        o.activation,
        o.bias,
        norms,
        s.name,
      )
    is Chain.Merged ->
      merged(o.size, o.fine, o.kept, norms, s.name) { o.chain.sublayers.forEach { say(it) } }
    is Mixture -> {
      val (inner, activation, gated, bias) = o.expert
      experts(
        o.experts,
        inner,
        again(o.router),
        activation,
        gated,
        bias,
        norms,
        s.name,
        o.constant,
        o.shared,
        o.specials,
        o.expert.limit,
      )
    }
    else -> error(o)
  }
}

private fun SkipBuilder.say(operation: Operation) {
  when (val o = operation) {
    is Attention ->
      attention(o.heads, o.headWidth, o.keyValueHeads, o.mask, o.rotary) { more(it, o) }
    is FeedForward -> feedForward(o.inner, o.activation, o.gated, o.bias, o.limit)
    is Recurrence -> recurrence(o.inner, o.states, o.convolution, o.rank)
    is Recurrence.LinearMemory -> linearMemory(o.inputs, o.states, o.bias)
    is Mixture.Modulated -> modulated(o.experts, again(o.router)) { say(o.operation) }
    is Mixture.Sliced ->
      slices(o.slices, o.length, again(o.router), o.scaling, o.fusion, o.activation, o.bias)
    is Chain.Merged -> merged(o.size, o.fine, o.kept) { o.chain.sublayers.forEach { say(it) } }
    is Mixture -> {
      val (inner, activation, gated, bias) = o.expert
      experts(
        o.experts,
        inner,
        again(o.router),
        activation,
        gated,
        bias,
        o.constant,
        o.shared,
        o.specials,
        o.expert.limit,
      )
    }
    is Chain -> chain { o.sublayers.forEach { say(it) } }
    else -> error(o)
  }
}

private operator fun FeedForward.component1() = inner

private operator fun FeedForward.component2() = activation

private operator fun FeedForward.component3() = gated

private operator fun FeedForward.component4() = bias

private fun around(s: Sublayer) = Norms(s.before, s.after, s.afterSum, s.multiplier)

private fun again(steps: Router) =
  router(
    steps.selection,
    logits = steps.logits,
    score = steps.score,
    preference = steps.preference,
    gate = steps.gate,
    capacity = steps.capacity,
    placement = steps.placement,
    source = steps.source,
  )
