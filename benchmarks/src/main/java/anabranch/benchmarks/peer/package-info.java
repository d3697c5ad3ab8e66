/**
 * This room is for our layer and model beside those of other systems, which run in processes of
 * their own; it is not for what runs there.
 */
@NullMarked
package anabranch.benchmarks.peer;

import org.jspecify.annotations.NullMarked;
