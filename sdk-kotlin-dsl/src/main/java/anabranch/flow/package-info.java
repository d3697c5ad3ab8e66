/** This room is for the engine in coroutines and flows; it is not for what items hold. */
@NullMarked
package anabranch.flow;

import org.jspecify.annotations.NullMarked;
