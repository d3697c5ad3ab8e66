/**
 * This room is for what follows from a description alone: its stages, dependence and cost; it is
 * not for anything that needs weights.
 */
@NullMarked
package anabranch.model.facts;

import org.jspecify.annotations.NullMarked;
