package anabranch.model.facts;

/**
 * One visit to a stage on the way through a plan.
 *
 * @param index its place in the cut, from 0, which is also the slot of the state that it uses
 * @param stage what runs
 * @param target the step at which a unit goes on that fires here: behind a loop for its halts; the
 *     number of steps for exits, behind which nothing comes
 */
public record Step(int index, StageSpec stage, int target) {}
