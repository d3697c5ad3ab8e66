/**
 * This room is for looking at checkpoints that others published and continuing token ids with them;
 * it is not for text, which needs the tokenizer that a checkpoint was made with.
 */
@NullMarked
package anabranch.samples.checkpoint;

import org.jspecify.annotations.NullMarked;
