@file:JvmName("PolicyWords")

package anabranch.dsl

import anabranch.engine.Policy
import anabranch.error.Bounds
import anabranch.error.DescriptionException
import anabranch.model.ModelSpec
import anabranch.model.plan.Criterion
import anabranch.model.plan.Criterion.Comparison
import anabranch.model.plan.Exit
import anabranch.model.plan.Loop
import anabranch.model.plan.Part
import anabranch.model.plan.Prune

/**
 * Returns thresholds for exits, halts and prunes of this model, in the order that it runs, its
 * encoder's included; what is not named never fires and drops nothing.
 *
 * @param version names the policy in results
 * @throws DescriptionException if the model lacks one of them, or compares in another direction
 *   than the policy says
 */
@JvmSynthetic
public fun ModelSpec.policy(version: String, describe: PolicyBuilder.() -> Unit): Policy =
  PolicyBuilder(this).apply(describe).build(version)

/** Collects the thresholds of one policy. Confined to its lambda. */
@ModelDsl
public class PolicyBuilder internal constructor(spec: ModelSpec) {
  private val parts: List<Part> = spec.plan.order() + (spec.encoder?.plan?.order() ?: listOf())
  private val thresholds = mutableMapOf<String, Threshold>()

  /** Says when the exit fires, such as `exit("early", atLeast(0.9))`. */
  public fun exit(id: String, fires: Threshold) {
    say("exit", id, fires, exits().mapValues { it.value.criterion })
  }

  /** Says when the halt lets a unit out of its loop, such as `halt("out", above(0.5))`. */
  public fun halt(id: String, fires: Threshold) {
    val halts = parts.filterIsInstance<Loop>().mapNotNull { it.until }
    say("halt", id, fires, halts.associate { it.id to it.criterion })
  }

  /** Says which share of an item's rows stays at the prune, above 0 and at most 1. */
  public fun prune(id: String, keep: Double) {
    val known = parts.filterIsInstance<Prune>().map(Prune::id)
    require("prune", id, known)
    Bounds.require(keep > 0 && keep <= 1, "policy prune \"$id\" keep $keep is not in (0, 1]")
    put("prune", id, Threshold(Comparison.GE, keep))
  }

  /** Lets the exits of these ids obey the choice before them. */
  public fun obey(vararg ids: String) {
    val chosen = exits().filterValues { it.criterion.score == Criterion.Score.CHOSEN }
    for (id in ids) {
      say("exit", id, atLeast(1.0), chosen.mapValues { it.value.criterion })
    }
  }

  /** Returns the threshold that fires at scores of at least [bound]. */
  public fun atLeast(bound: Double): Threshold = Threshold(Comparison.GE, bound)

  /** Returns the threshold that fires at scores above [bound]. */
  public fun above(bound: Double): Threshold = Threshold(Comparison.GT, bound)

  /** Returns the threshold that fires at scores of at most [bound]. */
  public fun atMost(bound: Double): Threshold = Threshold(Comparison.LE, bound)

  /** Returns the threshold that fires at scores below [bound]. */
  public fun below(bound: Double): Threshold = Threshold(Comparison.LT, bound)

  private fun exits(): Map<String, Exit> = parts.filterIsInstance<Exit>().associateBy(Exit::id)

  private fun say(kind: String, id: String, fires: Threshold, known: Map<String, Criterion>) {
    require(kind, id, known.keys)
    val comparison = known.getValue(id).comparison
    Bounds.require(
      fires.comparison == comparison,
      "policy $kind \"$id\" $fires does not go with its criterion, which compares with $comparison",
    )
    put(kind, id, fires)
  }

  private fun require(kind: String, id: String, known: Collection<String>) {
    Bounds.require(id in known, "policy $kind \"$id\" is not one of ${known.toList()}")
  }

  private fun put(kind: String, id: String, fires: Threshold) {
    thresholds[id] = once("policy $kind \"$id\"", thresholds[id], fires)
  }

  internal fun build(version: String): Policy =
    Policy(version, thresholds.mapValues { it.value.bound })
}

/** A number, and on which side of it an exit fires. Immutable. */
public class Threshold
internal constructor(internal val comparison: Comparison, internal val bound: Double) {
  override fun toString(): String = "$comparison $bound"
}
