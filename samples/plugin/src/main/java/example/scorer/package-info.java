/**
 * This room is for the plugin: a model, its weights and the way from a line to its score; it is not
 * for anything the host needs to know.
 */
@NullMarked
package example.scorer;

import org.jspecify.annotations.NullMarked;
