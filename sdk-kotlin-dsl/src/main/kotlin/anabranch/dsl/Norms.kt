@file:JvmName("NormWords")

package anabranch.dsl

import anabranch.model.layer.Norm

/**
 * What stands around a sublayer: `x <- afterSum(x + multiplier * after(operation(before(x))))`,
 * left out where null. Immutable.
 *
 * @property before norm of the operation's input; the residual stays as it is
 * @property after norm of the operation's result
 * @property afterSum norm of the sum
 * @property multiplier a factor on what is added to x, above 0
 */
public class Norms(
  public val before: Norm? = null,
  public val after: Norm? = null,
  public val afterSum: Norm? = null,
  public val multiplier: Double? = null,
)

/** Returns a norm before each operation, and a factor on its result where one is said. */
@JvmSynthetic
public fun preNorm(norm: Norm = layerNorm(), multiplier: Double? = null): Norms =
  Norms(before = norm, multiplier = multiplier)

/** Returns a norm after each residual sum, and nothing else; heads then have none by default. */
@JvmSynthetic public fun postNorm(norm: Norm = layerNorm()): Norms = Norms(afterSum = norm)

/** Returns layer normalisation with the usual 1e-5 under the root, or another number. */
@JvmSynthetic public fun layerNorm(epsilon: Double = 1e-5): Norm = Norm.Layer(epsilon)

/** Returns root-mean-square normalisation with the usual 1e-6 under the root, or another number. */
@JvmSynthetic public fun rmsNorm(epsilon: Double = 1e-6): Norm = Norm.Rms(epsilon)
