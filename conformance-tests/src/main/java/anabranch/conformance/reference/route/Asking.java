package anabranch.conformance.reference.route;

import anabranch.backend.Event;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A live row that asks a router.
 *
 * @param span the number of its sequence in the call
 * @param event the event that brought it
 * @param position its position in the sequence
 * @param x what the members read, {@code [width]}
 * @param carried what routers remember of the row, by name; changed by those that do
 * @param forced what was picked elsewhere, as {@link Choice#taken}; null to leave it free. Entries
 *     of -1 are passed over
 */
public record Asking(
    int span,
    Event event,
    int position,
    double[] x,
    Map<String, double[]> carried,
    @Nullable List<Integer> forced) {}
