/**
 * This room is for writing a description down as Kotlin source; it is not for building one, which
 * the words of {@code anabranch.dsl} do.
 */
@NullMarked
package anabranch.dsl.text;

import org.jspecify.annotations.NullMarked;
