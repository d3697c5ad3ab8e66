/**
 * This room is for published systems that are made of several whole models, of calls beside them,
 * and of a choice among both; it is not for what a single model routes.
 */
@NullMarked
package anabranch.conformance.system.bank;

import org.jspecify.annotations.NullMarked;
