/**
 * This room is for the arithmetic of single rows: norms, networks, attention, recurrences,
 * embeddings and scores, each with its weights; it is not for decisions, and not for the order in
 * which things run.
 *
 * <p>Everything is double precision and plain loops; shapes stand in comments as {@code [extent,
 * extent]}. The rules that a method computes are named by their chapters: X exits and scores, A
 * attention and bypasses, R routers, S state.
 */
@NullMarked
package anabranch.conformance.reference.part;

import org.jspecify.annotations.NullMarked;
