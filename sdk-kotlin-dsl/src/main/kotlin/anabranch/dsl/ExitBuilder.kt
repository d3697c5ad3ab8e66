package anabranch.dsl

import anabranch.model.layer.Bypass
import anabranch.model.layer.Norm
import anabranch.model.plan.Criterion
import anabranch.model.plan.Exit
import anabranch.model.plan.GraphRank
import anabranch.model.plan.Head
import anabranch.model.plan.Loop
import anabranch.model.plan.Prune

/** Words for scores that need no head. The threshold belongs to a [policy]. */
@ModelDsl
public sealed class ScoreWords(private val field: String) {
  internal var criterion: Criterion? = null

  /** Fires when a learned score of the vector here is above the threshold. */
  public fun learned() {
    fires(Criterion.learned())
  }

  /** Fires when the vector hardly turned since the decision point before. */
  public fun saturation() {
    fires(Criterion.saturation())
  }

  /** Fires by another pair of score and comparison. */
  public fun criterion(score: Criterion.Score, comparison: Criterion.Comparison) {
    fires(Criterion(score, comparison))
  }

  internal fun fires(said: Criterion) {
    criterion = once("$field criterion", criterion, said)
  }
}

/**
 * Collects what one exit is told. Confined to its lambda.
 *
 * The threshold is no part of it: that belongs to a [policy].
 */
@ModelDsl
public class ExitBuilder internal constructor(internal val id: String, private val norms: Norms) :
  ScoreWords("exit \"$id\"") {
  private var head: Head? = null
  private var bypass: Bypass? = null

  /** Leaves when the largest probability is at least the threshold; this is the default. */
  public fun confidence() {
    fires(Criterion.confidence())
  }

  /** Leaves when the largest probability less the second is at least the threshold. */
  public fun margin() {
    fires(Criterion.margin())
  }

  /** Leaves when the entropy of the probabilities, in nats, is below the threshold. */
  public fun entropy() {
    fires(Criterion.entropy())
  }

  /** Leaves after that many labels in a row that were the same at the exit before. */
  public fun patience() {
    fires(Criterion.patience())
  }

  /** Leaves where the choice before it said so. */
  public fun chosen() {
    fires(Criterion.chosen())
  }

  /**
   * Says how the answer here is made, where it is not shaped like the model's head; see
   * [ModelBuilder.head].
   */
  public fun head(
    outputs: Int,
    pool: Head.Pool = Head.Pool.EACH,
    bias: Boolean = false,
    norm: Norm? = norms.beforeHead(pool),
    hidden: Head.Hidden? = null,
    multiplier: Double? = null,
    body: (BodyBuilder.() -> Unit)? = null,
  ) {
    val said = headOf(norms, outputs, pool, bias, norm, hidden, multiplier, body)
    head = once("exit \"$id\" head", head, said)
  }

  /** Says what a leaver still owes the layers it jumps over. */
  public fun bypass(mode: Bypass) {
    bypass = once("exit \"$id\" bypass", bypass, mode)
  }

  internal fun build(final: Head?, mixesLater: Boolean): Exit {
    val own = head ?: final
    val owes = mixesLater && own != null && !own.pool.ofItem()
    val usual = if (owes) Bypass.FREEZE_PROJECT else Bypass.TERMINATE
    return Exit(id, own, criterion ?: Criterion.confidence(), bypass ?: usual)
  }
}

/**
 * Collects what one exit of an encoder is told: whole items leave there as memory, so that it has
 * no head and owes nothing. The score is a learned one by default. Confined to its lambda.
 */
@ModelDsl
public class EncoderExitBuilder internal constructor(internal val id: String) :
  ScoreWords("encoder exit \"$id\"") {
  /** Leaves where the choice before it said so. */
  public fun chosen() {
    fires(Criterion.chosen())
  }

  internal fun build(): Exit = Exit(id, null, criterion ?: Criterion.learned(), Bypass.TERMINATE)
}

/**
 * Collects what lets a unit out of a loop. By default the score is a learned one, the unit is that
 * of the model's head, and a row that is out owes keys and values where the loop mixes rows.
 * Confined to its lambda.
 */
@ModelDsl
public class HaltBuilder
internal constructor(internal val id: String, private val pool: Head.Pool?) :
  ScoreWords("halt \"$id\"") {
  private var bypass: Bypass? = null

  /** Says what a unit that is out still owes the times it jumps over. */
  public fun bypass(mode: Bypass) {
    bypass = once("halt \"$id\" bypass", bypass, mode)
  }

  internal fun build(head: Head?, mixes: Boolean): Loop.Halt {
    val unit = pool ?: pooledLike(head)
    val owes = mixes && !unit.ofItem()
    val usual = if (owes) Bypass.FREEZE_PROJECT else Bypass.TERMINATE
    return Loop.Halt(id, unit, criterion ?: Criterion.learned(), bypass ?: usual)
  }
}

/**
 * Collects what one prune is told. By default the score is a learned one, and position 0 stays
 * where the model's head reads the first row. Confined to its lambda.
 */
@ModelDsl
public class PruneBuilder internal constructor(internal val id: String) {
  private var score: Criterion.Score? = null
  private var rank: GraphRank? = null
  private var compared: Prune.Compared? = null
  private var kept: List<Int>? = null

  /** Drops the rows whose learned score is lowest. */
  public fun learned() {
    score = once("prune \"$id\" score", score, Criterion.Score.LEARNED)
  }

  /** Drops the rows that received the least attention in the last attention before. */
  public fun attentionReceived() {
    score = once("prune \"$id\" score", score, Criterion.Score.ATTENTION_RECEIVED)
  }

  /**
   * Drops the rows that are least important in the graph of the last attention before. Nothing of
   * it has a usual value; see [GraphRank].
   */
  public fun graphRank(
    direction: GraphRank.Direction,
    iterations: Int,
    epsilon: Double,
    leastVariance: Double,
    mostVariance: Double,
  ) {
    score = once("prune \"$id\" score", score, Criterion.Score.GRAPH_RANK)
    rank = GraphRank(direction, iterations, epsilon, leastVariance, mostVariance)
  }

  /**
   * Drops the rows of the less important half, by [graphRank], that resemble one of the more
   * important half the most.
   */
  public fun redundancy(
    compared: Prune.Compared,
    direction: GraphRank.Direction,
    iterations: Int,
    epsilon: Double,
    leastVariance: Double,
    mostVariance: Double,
  ) {
    score = once("prune \"$id\" score", score, Criterion.Score.REDUNDANCY)
    rank = GraphRank(direction, iterations, epsilon, leastVariance, mostVariance)
    this.compared = compared
  }

  /** Says which positions always stay, from 0. */
  public fun keep(vararg positions: Int) {
    kept = once("prune \"$id\" kept", kept, positions.asList())
  }

  internal fun build(head: Head?): Prune {
    val usual = if (head?.pool == Head.Pool.FIRST) listOf(0) else listOf()
    return Prune(id, score ?: Criterion.Score.LEARNED, kept ?: usual, rank, compared)
  }
}

/** Returns the pool of a decision about the units that a head answers for. */
internal fun pooledLike(head: Head?): Head.Pool =
  if (head == null || head.pool.ofItem()) Head.Pool.MEAN else Head.Pool.EACH
