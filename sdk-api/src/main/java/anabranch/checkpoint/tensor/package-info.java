/**
 * This room is for tensors made of others: slices, transposes, sums and made-up ones; it is not for
 * which tensor is made of which.
 */
@NullMarked
package anabranch.checkpoint.tensor;

import org.jspecify.annotations.NullMarked;
