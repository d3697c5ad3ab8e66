/**
 * This room is for saying a model, its policies and how it is opened in Kotlin; it is not for
 * anything that the records of {@code anabranch.model} cannot say.
 *
 * <p>{@code model(...) { }} returns the same {@link anabranch.model.ModelSpec} as the constructors
 * do: equal, and checked by the same rules. Builders are confined to the lambda that receives them.
 */
package anabranch.dsl;
