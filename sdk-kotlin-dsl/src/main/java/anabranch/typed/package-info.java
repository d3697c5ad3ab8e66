/** This room is for plain classes as inputs and outputs of an engine; it is not for token ids. */
@NullMarked
package anabranch.typed;

import org.jspecify.annotations.NullMarked;
