/**
 * This room is for an application that scores lines of text with whatever a folder of jars brings;
 * it is not for anything that knows how a score is computed.
 */
@NullMarked
package example.host;

import org.jspecify.annotations.NullMarked;
