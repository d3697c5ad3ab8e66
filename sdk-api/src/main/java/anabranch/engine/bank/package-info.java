/**
 * This room is for banks of whole models: who answers an item, what is fetched for it before, and
 * the sum of what they say; it is not for what goes on inside of one model.
 *
 * <p>A {@link anabranch.engine.bank.Bank} has named members, each an engine that is opened when it
 * is first picked. A {@link anabranch.engine.bank.Signal} gives one logit for each, and a {@link
 * anabranch.engine.bank.Picking} makes a {@link anabranch.engine.bank.Choice} of them, under the
 * rules of any router. A {@link anabranch.engine.bank.Branch} is a call that changes an item, and
 * is made for some items only.
 */
@NullMarked
package anabranch.engine.bank;

import org.jspecify.annotations.NullMarked;
