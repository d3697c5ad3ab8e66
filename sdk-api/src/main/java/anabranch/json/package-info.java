/**
 * This room is for descriptions and policies as JSON text that people can read and keep; it is not
 * for weights, and not for the files of other projects.
 *
 * <p>The text follows the records of {@code anabranch.model} word by word: a record is an object
 * with one field for each component, in their order; where several records may stand, the first
 * field, {@code "type"}, is the record's name; a constant is its name ({@code "reluSquared"}). What
 * may be absent is left out when it is absent, and {@code null} is never written nor read. All else
 * must be there, once, and nothing more.
 */
@NullMarked
package anabranch.json;

import org.jspecify.annotations.NullMarked;
