package anabranch.model;

import anabranch.model.layer.Norm;
import anabranch.model.plan.Plan;
import org.jspecify.annotations.Nullable;

/**
 * The part of a model that reads one event, once, and leaves its rows as memory for the sequence
 * that the rest of the model continues. Its width is the model's.
 *
 * <p>An item may leave it early: its exits have no heads, and the vectors that left are the memory
 * (Langedijk et al., DecoderLens; Yao et al., ECO-M2F).
 *
 * @param input what one row of its event is
 * @param embedding how a row becomes a hidden vector
 * @param plan blocks and exits
 * @param norm applied to the vectors that become memory, wherever they left
 */
public record Encoder(Input input, Embedding embedding, Plan plan, @Nullable Norm norm) {}
