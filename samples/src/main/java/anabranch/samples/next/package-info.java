/**
 * This room is for the sample {@code next}: many write at once, and each byte is answered when it
 * comes; it is not for the model, which is that of {@code surprise}.
 */
@NullMarked
package anabranch.samples.next;

import org.jspecify.annotations.NullMarked;
