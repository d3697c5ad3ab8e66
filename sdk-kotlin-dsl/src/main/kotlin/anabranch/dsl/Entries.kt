package anabranch.dsl

import anabranch.error.Bounds
import anabranch.error.DescriptionException
import anabranch.model.layer.Block
import anabranch.model.plan.Head
import anabranch.model.plan.Part
import anabranch.model.plan.Plan

/** One entry of an order, before the head is known that some defaults follow. */
internal class Entry(
  val id: String?,
  val runs: List<Int>,
  val after: Int? = null,
  val same: Boolean = false,
  val make: (head: Head?, mixesLater: Boolean, mixes: Boolean) -> Part,
)

/** An entry and what it became. */
internal class Settled(val entry: Entry, val part: Part)

/** The orders of one plan. */
internal class Orders(private val blocks: List<Block>, private val head: Head?) {
  fun plan(own: List<Entry>, others: Map<String, OrderWords>, chosen: String?): Plan {
    val settled = settle(own)
    val known = settled.filter { it.entry.id != null }.associateBy { it.entry.id!! }
    val alternatives = others.mapValues { (name, order) ->
      settle(order.entries.map { it.resolved(name, known) }).map(Settled::part)
    }
    return Plan(blocks, settled.map(Settled::part), alternatives, chosen)
  }

  private fun Entry.resolved(order: String, known: Map<String, Settled>): Entry {
    if (!same) return this
    val found =
      known[id]
        ?: throw DescriptionException("order \"$order\" part \"$id\" is not one of ${known.keys}")
    return Entry(id, found.entry.runs) { _, _, _ -> found.part }
  }

  private fun settle(entries: List<Entry>): List<Settled> {
    val order = placed(entries)
    return order.mapIndexed { i, entry ->
      Settled(entry, entry.make(head, mixes(order.drop(i + 1)), mixes(listOf(entry))))
    }
  }

  /** Exits that say `after` stand right behind so many of the entries that run something. */
  private fun placed(entries: List<Entry>): List<Entry> {
    val running = entries.count { it.runs.isNotEmpty() }
    val exits = entries.filter { it.after != null }
    exits.forEach { Bounds.within("exit \"${it.id}\" after", it.after!!, 1, running - 1) }
    var depth = 0
    return entries
      .filter { it.after == null }
      .flatMap { entry ->
        if (entry.runs.isEmpty()) listOf(entry)
        else listOf(entry) + exits.filter { it.after == depth + 1 }.also { depth++ }
      }
  }

  private fun mixes(entries: List<Entry>) = entries.any { entry ->
    entry.runs.any { blocks.getOrNull(it)?.mixes() ?: false }
  }
}
