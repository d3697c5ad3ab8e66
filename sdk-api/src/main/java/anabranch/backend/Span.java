package anabranch.backend;

import org.jspecify.annotations.Nullable;

/**
 * Rows of one sequence, by ascending position.
 *
 * @param state the sequence's state; null where the stage keeps none
 * @param rows the rows, at least one
 */
public record Span(@Nullable SequenceState state, Rows rows) {}
