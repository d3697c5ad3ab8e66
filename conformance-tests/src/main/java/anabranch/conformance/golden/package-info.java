/**
 * This room is for published checkpoints and what their reference implementations answered: it runs
 * the same inputs on the oracle or on a backend and says how far numbers and decisions are apart;
 * it is not for how a checkpoint becomes a description, nor for judging a backend against the
 * oracle.
 *
 * <p>A recorded model is a folder with {@code config.json}, {@code model.safetensors} and {@code
 * golden.safetensors}. Its cases are found by their keys, {@code <case>.in.*}; what was answered
 * stands under the same name, such as {@code <case>.logits} and {@code
 * <case>.trace.<module>.topk_index}. Batches were padded there and are ragged here.
 *
 * <p>A few of them come with the kit: {@link anabranch.conformance.golden.Recorded}.
 */
@NullMarked
package anabranch.conformance.golden;

import org.jspecify.annotations.NullMarked;
