@file:JvmName("NormWords")

package anabranch.dsl

import anabranch.model.Norm

/**
 * Where norms stand around a sublayer: `x <- afterSum(x + after(operation(before(x))))`, left out
 * where null. Immutable.
 *
 * @property before norm of the operation's input; the residual stays as it is
 * @property after norm of the operation's result
 * @property afterSum norm of the sum
 */
public class Norms(
  public val before: Norm? = null,
  public val after: Norm? = null,
  public val afterSum: Norm? = null,
)

/** Returns a norm before each operation, and nothing else. */
@JvmSynthetic public fun preNorm(norm: Norm = layerNorm()): Norms = Norms(before = norm)

/** Returns a norm after each residual sum, and nothing else; heads then have none by default. */
@JvmSynthetic public fun postNorm(norm: Norm = layerNorm()): Norms = Norms(afterSum = norm)

/** Returns layer normalisation with the usual 1e-5 under the root, or another number. */
@JvmSynthetic public fun layerNorm(epsilon: Double = 1e-5): Norm = Norm.Layer(epsilon)

/** Returns root-mean-square normalisation with the usual 1e-6 under the root, or another number. */
@JvmSynthetic public fun rmsNorm(epsilon: Double = 1e-6): Norm = Norm.Rms(epsilon)
