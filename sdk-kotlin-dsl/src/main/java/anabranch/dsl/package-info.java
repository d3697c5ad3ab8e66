/**
 * This room is for describing models and policies in Kotlin, and for opening engines on them; it is
 * not for running them.
 */
@NullMarked
package anabranch.dsl;

import org.jspecify.annotations.NullMarked;
