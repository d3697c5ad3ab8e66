/**
 * This room is for published systems whose weights are stored in another form than a description
 * names them: one tensor for many places, factors, means of others; it is not for systems that
 * differ in what they compute.
 */
@NullMarked
package anabranch.conformance.system.stored;

import org.jspecify.annotations.NullMarked;
