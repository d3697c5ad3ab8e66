/**
 * This room is for what every backend must prove: tests that a backend author inherits; it is not
 * for what an engine does by itself, nor for speed.
 *
 * <p>Extend {@link anabranch.conformance.BackendConformance} and return your backend. The tests
 * stand in chapters, one interface each; they draw small random models from {@link
 * anabranch.conformance.space.ModelSpace}, run them stage by stage as an engine would, and judge
 * every decision and every number against the oracle next door, in {@code
 * anabranch.conformance.reference}. A failure names the seed of its case; {@code
 * -Danabranch.conformance.seed=N} runs that case alone. One chapter has another judge: what
 * published code answered, recorded under {@code golden/models}.
 */
@NullMarked
package anabranch.conformance;

import org.jspecify.annotations.NullMarked;
