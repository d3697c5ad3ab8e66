/**
 * This room is for what can go wrong, in words: the exceptions of the SDK and the bounds they name;
 * it is not for handling them.
 *
 * <p>Every exception is unchecked, extends {@link anabranch.error.AnabranchException}, and says the
 * field, the value and the bound.
 */
@NullMarked
package anabranch.error;

import org.jspecify.annotations.NullMarked;
