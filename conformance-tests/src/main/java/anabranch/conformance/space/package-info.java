/**
 * This room is for what backends are tried on: drawn models, weights and rows; it is not for
 * running them.
 */
@NullMarked
package anabranch.conformance.space;

import org.jspecify.annotations.NullMarked;
