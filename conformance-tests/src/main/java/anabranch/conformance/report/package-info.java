/**
 * This room is for what the kit says to people: one command, its tables, and a page about systems;
 * it is not for the tests themselves.
 */
@NullMarked
package anabranch.conformance.report;

import org.jspecify.annotations.NullMarked;
