/**
 * This room is for models that travel with a job and are loaded once for all tasks beside each
 * other; it is not for streams.
 */
@NullMarked
package anabranch.flink.model;

import org.jspecify.annotations.NullMarked;
