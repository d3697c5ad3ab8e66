/**
 * This room is for the sample {@code surprise}: how unexpected is each line of a text, told by a
 * byte model whose bytes leave early where they are easy; it is not for reading text.
 */
@NullMarked
package anabranch.samples.surprise;

import org.jspecify.annotations.NullMarked;
