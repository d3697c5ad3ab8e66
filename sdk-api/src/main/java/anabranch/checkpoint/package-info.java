/**
 * This room is for published checkpoints: how the configuration and the tensors that others wrote
 * become a description and its weights; it is not for running them.
 *
 * <p>What differs from family to family is data: one file for each family beside this package's
 * classes, which says which configurations it knows, what of them is harmless, the description as a
 * template of {@code anabranch.json}'s form, and which published tensor each parameter is. Its
 * words:
 *
 * <ul>
 *   <li>{@code model_type}, {@code when}: the configurations it is for; {@code include}: files whose
 *       entries it shares
 *   <li>{@code settings}: what a caller may choose, each with its values, the default first
 *   <li>{@code defaults}: fields that may be absent; {@code must}: the values a field may have;
 *       {@code require}: formulas that must hold, each with the words to say otherwise; {@code
 *       harmless}: fields that change no number, by name or with a formula for when
 *   <li>{@code let}: named parts, which formulas use like fields; {@code model}: the description
 *   <li>{@code tensors}: patterns of parameter names and what each is made of; {@code shapes}:
 *       extents of tensors of which slices are taken; {@code equal}: tensors that may be repeated;
 *       {@code ignore}: tensors that are no part of the model
 * </ul>
 *
 * <p>In a template, a text that begins with {@code =} is a formula; {@code {"if", "then", "else"}},
 * {@code {"match", "cases"}} and, within lists, {@code {"each", "to", "with", "give"}} choose
 * and repeat;
 * what is null is left out. A tensor is made of names with {@code {formula}} in them, slices as in
 * NumPy, {@code .T} for the transpose, sums, and the made-up {@code @zeros}, {@code @ones}, {@code
 * @diagonals[a,b]}, squares with a number along the diagonal, and {@code @randrange[seed,n]},
 * Python's random numbers.
 */
@NullMarked
package anabranch.checkpoint;

import org.jspecify.annotations.NullMarked;
