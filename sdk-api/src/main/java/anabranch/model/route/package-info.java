/**
 * This room is for how a bank picks members: the eight steps of a router as data, and presets in
 * the field's names; it is not for computing a decision.
 *
 * <p>The steps, for row t and member e:
 *
 * <ol start="0">
 *   <li>{@link anabranch.model.route.Source}: what the router reads
 *   <li>{@link anabranch.model.route.Logits}: z = one number for each member
 *   <li>{@link anabranch.model.route.Score}: a = f(z)
 *   <li>{@link anabranch.model.route.Preference}: c = a + correction, within the best groups
 *   <li>{@link anabranch.model.route.Selection}: S = the members with the best c
 *   <li>{@link anabranch.model.route.Gate}: w = a weight for each member of S, from a, never from c
 *   <li>{@link anabranch.model.route.Capacity}: how many rows a member accepts
 *   <li>{@link anabranch.model.route.Placement}: y = the sum over S of w * E(x), or of E(w * x)
 * </ol>
 *
 * <p>Steps 2 to 5 are computed in fp32 or wider. Ties go to the lower index, and the sum of step 7
 * runs in ascending index.
 */
@NullMarked
package anabranch.model.route;

import org.jspecify.annotations.NullMarked;
