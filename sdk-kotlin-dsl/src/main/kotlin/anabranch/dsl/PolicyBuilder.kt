@file:JvmName("PolicyWords")

package anabranch.dsl

import anabranch.engine.Policy
import anabranch.error.Bounds
import anabranch.error.DescriptionException
import anabranch.model.Exit
import anabranch.model.Exit.Criterion.Comparison
import anabranch.model.ModelSpec

/**
 * Returns thresholds for exits of this model; an exit that is not named never fires.
 *
 * @param version names the policy in results
 * @throws DescriptionException if the model lacks an exit, or compares in another direction than
 *   the policy says
 */
@JvmSynthetic
public fun ModelSpec.policy(version: String, describe: PolicyBuilder.() -> Unit): Policy =
  PolicyBuilder(this).apply(describe).build(version)

/** Collects the thresholds of one policy. Confined to its lambda. */
@ModelDsl
public class PolicyBuilder internal constructor(private val spec: ModelSpec) {
  private val thresholds = mutableMapOf<String, Threshold>()

  /** Says when the exit fires, such as `exit("early", atLeast(0.9))`. */
  public fun exit(id: String, fires: Threshold) {
    val exits = spec.plan.exits()
    val exit =
      exits.find { it.id == id }
        ?: throw DescriptionException("policy exit \"$id\" is not one of ${exits.map(Exit::id)}")
    val comparison = exit.criterion.comparison
    Bounds.require(
      fires.comparison == comparison,
      "policy exit \"$id\" $fires does not go with its criterion, which compares with $comparison",
    )
    thresholds[id] = once("policy exit \"$id\"", thresholds[id], fires)
  }

  /** Returns the threshold that fires at scores of at least [bound]. */
  public fun atLeast(bound: Double): Threshold = Threshold(Comparison.GE, bound)

  /** Returns the threshold that fires at scores above [bound]. */
  public fun above(bound: Double): Threshold = Threshold(Comparison.GT, bound)

  /** Returns the threshold that fires at scores of at most [bound]. */
  public fun atMost(bound: Double): Threshold = Threshold(Comparison.LE, bound)

  /** Returns the threshold that fires at scores below [bound]. */
  public fun below(bound: Double): Threshold = Threshold(Comparison.LT, bound)

  internal fun build(version: String): Policy =
    Policy(version, thresholds.mapValues { it.value.bound })
}

/** A number, and on which side of it an exit fires. Immutable. */
public class Threshold
internal constructor(internal val comparison: Comparison, internal val bound: Double) {
  override fun toString(): String = "$comparison $bound"
}
