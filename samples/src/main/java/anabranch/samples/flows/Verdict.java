package anabranch.samples.flows;

/**
 * What the model says of a window.
 *
 * @param host whose window it is
 * @param kind what its last flow is part of
 * @param said the class that was named under the policy
 * @param atFull the class that is named at full depth
 * @param depth how many layers ran under the policy
 * @param flops floating-point operations under the policy
 * @param fullFlops floating-point operations at full depth
 */
public record Verdict(
    int host, int kind, int said, int atFull, int depth, long flops, long fullFlops) {}
