/**
 * This room is for taking the decisions of routers on the host, from logits to members and gates;
 * it is not for the numbers on either side of a decision.
 *
 * <p>A {@link anabranch.routing.Routing} does steps 2 to 6 of {@link anabranch.model.route.Router}
 * for packed rows, so that every backend that uses it settles ties, groups, corrections, hashes and
 * bad logits alike. A backend may decide elsewhere instead, under the same rules. {@link
 * anabranch.routing.GraphRanks} ranks the rows of an event by the graph that an attention drew, for
 * prunes that go by it.
 */
@NullMarked
package anabranch.routing;

import org.jspecify.annotations.NullMarked;
