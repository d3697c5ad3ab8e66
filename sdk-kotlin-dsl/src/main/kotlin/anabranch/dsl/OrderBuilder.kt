package anabranch.dsl

import anabranch.model.plan.DepthChoice
import anabranch.model.plan.Head

/** Words for another order of the layers that a plan has. */
@ModelDsl
public sealed class OrderWords : NumberWords() {
  /**
   * Sets what the plan's own order has under that id: an exit, a prune, a choice, or a loop, by the
   * id of its halt.
   */
  public fun same(id: String) {
    entries += Entry(id, listOf(), same = true) { _, _, _ -> error(id) }
  }

  /** Runs layers [times] times, or until units are let out. */
  public fun loop(times: Int, describe: OrderLoopBuilder.() -> Unit) {
    val body = OrderLoopBuilder().apply(describe)
    add(times, body, body.until)
  }
}

/** Collects another order of a model's layers. Confined to its lambda. */
@ModelDsl
public class OrderBuilder internal constructor(private val norms: Norms) : OrderWords() {
  /** Adds an exit that the plan's own order has not; see [ModelBuilder.exit]. */
  public fun exit(id: String, describe: ExitBuilder.() -> Unit = {}) {
    entries += exitEntry(id, null, norms, describe)
  }

  /** Adds a prune that the plan's own order has not; see [ModelBuilder.prune]. */
  public fun prune(id: String, describe: PruneBuilder.() -> Unit = {}) {
    entries += pruneEntry(id, describe)
  }

  /** Adds a choice that the plan's own order has not; see [ModelBuilder.choice]. */
  public fun choice(
    id: String,
    pool: Head.Pool? = null,
    from: DepthChoice.From = DepthChoice.From.ROWS,
    bias: Boolean = false,
  ) {
    entries += choiceEntry(id, pool, from, bias)
  }
}

/** Collects another order of an encoder's layers. Confined to its lambda. */
@ModelDsl
public class EncoderOrderBuilder internal constructor() : OrderWords() {
  /** Adds an exit that the plan's own order has not; see [EncoderBuilder.exit]. */
  public fun exit(id: String, describe: EncoderExitBuilder.() -> Unit = {}) {
    entries += encoderExitEntry(id, null, describe)
  }

  /** Adds a choice that the plan's own order has not; see [EncoderBuilder.choice]. */
  public fun choice(id: String, pool: Head.Pool = Head.Pool.MEAN, bias: Boolean = false) {
    entries += choiceEntry(id, pool, DepthChoice.From.ROWS, bias)
  }
}

/** Collects what an order runs several times. Confined to its lambda. */
@ModelDsl
public class OrderLoopBuilder internal constructor() : NumberWords() {
  internal var until: HaltBuilder? = null

  /** Lets units go on behind the loop when they fire; see [HaltBuilder] for what is usual. */
  public fun until(id: String, pool: Head.Pool? = null, describe: HaltBuilder.() -> Unit = {}) {
    until = once("loop.until", until, HaltBuilder(id, pool).apply(describe))
  }
}

internal fun exitEntry(
  id: String,
  after: Int?,
  norms: Norms,
  describe: ExitBuilder.() -> Unit,
): Entry {
  val said = ExitBuilder(id, norms).apply(describe)
  return Entry(id, listOf(), after) { head, mixesLater, _ -> said.build(head, mixesLater) }
}

internal fun encoderExitEntry(
  id: String,
  after: Int?,
  describe: EncoderExitBuilder.() -> Unit,
): Entry {
  val said = EncoderExitBuilder(id).apply(describe)
  return Entry(id, listOf(), after) { _, _, _ -> said.build() }
}

internal fun pruneEntry(id: String, describe: PruneBuilder.() -> Unit): Entry {
  val said = PruneBuilder(id).apply(describe)
  return Entry(id, listOf()) { head, _, _ -> said.build(head) }
}

internal fun choiceEntry(
  id: String,
  pool: Head.Pool?,
  from: DepthChoice.From,
  bias: Boolean,
): Entry =
  Entry(id, listOf()) { head, _, _ ->
    val usual = if (from == DepthChoice.From.MEMORY) Head.Pool.MEAN else pooledLike(head)
    DepthChoice(id, from, pool ?: usual, bias)
  }
