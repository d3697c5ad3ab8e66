/**
 * This room is for plain classes as events and answers: one object in, one object out; it is not
 * for text, and not for classes whose properties are more than numbers, flags and choices.
 */
package anabranch.typed;
