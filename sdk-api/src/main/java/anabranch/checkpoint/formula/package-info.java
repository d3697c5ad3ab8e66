/**
 * This room is for formulas over the fields of a configuration, and for the JSON they come from; it
 * is not for what the fields mean.
 */
@NullMarked
package anabranch.checkpoint.formula;

import org.jspecify.annotations.NullMarked;
