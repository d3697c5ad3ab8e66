/**
 * This room is for how the positions of rows enter an attention: as angles that turn queries and
 * keys, or as numbers for distances; it is not for which rows are read.
 */
@NullMarked
package anabranch.model.position;

import org.jspecify.annotations.NullMarked;
