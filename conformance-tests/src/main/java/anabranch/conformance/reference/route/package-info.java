/**
 * This room is for the eight steps of a router, each a method, with every choice free or forced; it
 * is not for what experts compute, and not the SDK's own routing, which is judged by it.
 */
@NullMarked
package anabranch.conformance.reference.route;

import org.jspecify.annotations.NullMarked;
