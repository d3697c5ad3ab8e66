package anabranch.dsl

import anabranch.error.Bounds
import anabranch.model.layer.Block
import anabranch.model.plan.Head
import anabranch.model.plan.Loop
import anabranch.model.plan.Part

/** Words that run layers by their numbers, which count from 0 as parameter names do. */
@ModelDsl
public sealed class NumberWords {
  internal val entries: MutableList<Entry> = mutableListOf()

  /** Runs the layer of that number, once more or for the first time. */
  public fun run(layer: Int) {
    add(Part.Run(layer), listOf(layer))
  }

  /** Runs the layers of these numbers on the same rows; the mean of their results goes on. */
  public fun mean(vararg layers: Int) {
    add(Part.Mean(layers.asList()), layers.asList())
  }

  internal fun add(part: Part, runs: List<Int>) {
    entries += Entry(null, runs) { _, _, _ -> part }
  }

  internal fun add(times: Int, body: NumberWords, until: HaltBuilder?) {
    val runs = body.entries.flatMap(Entry::runs)
    entries +=
      Entry(until?.id, runs) { head, _, mixes ->
        Loop(body.entries.map { it.make(head, false, false) }, times, until?.build(head, mixes))
      }
  }
}

/** Words that add layers and run them where they stand. */
@ModelDsl
public sealed class RunWords(
  internal val width: Int,
  internal val norms: Norms,
  internal val blocks: MutableList<Block>,
) : NumberWords() {
  /** Adds one layer. */
  public fun layer(describe: LayerBuilder.() -> Unit) {
    layers(1) { describe() }
  }

  /**
   * Adds [count] layers. [describe] runs once for each, with the layer's number in the whole plan,
   * from 0, as parameter names count it; so layers may differ.
   */
  public fun layers(count: Int, describe: LayerBuilder.(index: Int) -> Unit) {
    store(count, describe).forEach(::run)
  }

  /** Adds layers side by side: they run on the same rows, and the mean of their results goes on. */
  public fun mean(describe: SideBySideBuilder.() -> Unit) {
    val layers = SideBySideBuilder(this).apply(describe).numbers
    add(Part.Mean(layers), layers)
  }

  internal fun store(count: Int, describe: LayerBuilder.(index: Int) -> Unit): List<Int> {
    Bounds.atLeast("model.layers", count, 1)
    return List(count) {
      val layer = LayerBuilder(width, norms)
      layer.describe(blocks.size)
      blocks += layer.build()
      blocks.lastIndex
    }
  }
}

/** Collects layers that run side by side. Confined to its lambda. */
@ModelDsl
public class SideBySideBuilder internal constructor(private val around: RunWords) {
  internal val numbers = mutableListOf<Int>()

  /** Adds one layer. */
  public fun layer(describe: LayerBuilder.() -> Unit) {
    layers(1) { describe() }
  }

  /** Adds [count] layers; [describe] is told their numbers in the whole plan. */
  public fun layers(count: Int, describe: LayerBuilder.(index: Int) -> Unit) {
    numbers += around.store(count, describe)
  }
}

/** Collects what runs several times with the same weights. Confined to its lambda. */
@ModelDsl
public class LoopBuilder internal constructor(around: RunWords) :
  RunWords(around.width, around.norms, around.blocks) {
  internal var until: HaltBuilder? = null

  /** Lets units go on behind the loop when they fire; see [HaltBuilder] for what is usual. */
  public fun until(id: String, pool: Head.Pool? = null, describe: HaltBuilder.() -> Unit = {}) {
    until = once("loop.until", until, HaltBuilder(id, pool).apply(describe))
  }
}

/** Words of a whole plan, a model's or an encoder's. */
@ModelDsl
public sealed class PlanWords(width: Int, norms: Norms, blocks: MutableList<Block>) :
  RunWords(width, norms, blocks) {
  /** Runs layers [times] times, or until units are let out. */
  public fun loop(times: Int, describe: LoopBuilder.() -> Unit) {
    val body = LoopBuilder(this).apply(describe)
    add(times, body, body.until)
  }

  internal val orders: MutableMap<String, OrderWords> = mutableMapOf()
  internal var chosen: String? = null

  /** Runs the order of that name in place of the plan's own. */
  public fun choose(order: String) {
    chosen = once("plan.chosen", chosen, order)
  }

  internal fun <T : OrderWords> order(name: String, said: T) {
    once("plan.alternatives \"$name\"", orders[name], said)
    orders[name] = said
  }

  /** Adds [count] layers that run only where [run], [mean] or an order names them. */
  public fun stored(count: Int = 1, describe: LayerBuilder.(index: Int) -> Unit) {
    store(count, describe)
  }
}
