/**
 * This room is for named tensors: where a model's numbers come from; it is not for what they mean.
 */
@NullMarked
package anabranch.weights;

import org.jspecify.annotations.NullMarked;
