package anabranch.onnx.head;

import anabranch.onnx.rows.Packing;
import java.nio.FloatBuffer;
import org.jspecify.annotations.Nullable;

/**
 * What a point reads of a call of its stage, all in batch order.
 *
 * @param packing all rows
 * @param rows the vectors that leave the stage
 * @param body what the body of the head made of them; {@code rows} where it has none
 * @param entered the vectors that entered the stage; null where nobody compares
 * @param received what each row received in the last attention, or its rank in it; null where
 *     nobody asks
 * @param shown the keys that each row showed there; null where nobody compares them
 * @param memory for each span the vector of its memory; null where nobody reads it
 */
public record Reading(
    Packing packing,
    FloatBuffer rows,
    FloatBuffer body,
    @Nullable FloatBuffer entered,
    float @Nullable [] received,
    float @Nullable [] @Nullable [] shown,
    float @Nullable [] @Nullable [] memory) {}
