package anabranch.conformance.space;

import anabranch.backend.Event;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The events of one sequence, in order.
 *
 * @param memory what the encoder reads first; null for models without one
 * @param events each at the position where the one before ended; at least one
 */
public record Sequence(@Nullable Event memory, List<Event> events) {
  /** Copies the list. */
  public Sequence {
    events = List.copyOf(events);
  }

  /** Returns the sequence of one event. */
  public static Sequence of(Event event) {
    return new Sequence(null, List.of(event));
  }

  /** Returns the rows of all events. */
  public int rows() {
    return events.stream().mapToInt(Event::rows).sum();
  }

  /** Returns the event that brought the row at a position. */
  public Event eventAt(int position) {
    for (Event event : events) {
      if (position < event.firstPosition() + event.rows()) {
        return event;
      }
    }
    throw new IndexOutOfBoundsException("position " + position + " of " + rows());
  }

  /** Returns the number of the event that brought the row at a position. */
  public int eventOf(int position) {
    return events.indexOf(eventAt(position));
  }

  /** Returns this sequence's rows cut into events of so many rows, the last with what is left. */
  public Sequence cut(int rows) {
    List<Event> pieces = new ArrayList<>();
    for (int first = 0; first < rows(); first += rows) {
      pieces.add(piece(first, Math.min(rows(), first + rows)));
    }
    return new Sequence(memory, pieces);
  }

  private Event piece(int from, int to) {
    Event origin = eventAt(from);
    Event piece;
    if (origin.hasTokens()) {
      int[] tokens = new int[to - from];
      for (int i = 0; i < tokens.length; i++) {
        tokens[i] = eventAt(from + i).token(from + i);
      }
      piece = Event.ofTokens(tokens);
    } else {
      int width = origin.width();
      float[] values = new float[(to - from) * width];
      for (int i = from; i < to; i++) {
        eventAt(i).features(i).get(values, (i - from) * width, width);
      }
      piece = Event.ofFeatures(width, values);
    }
    Event placed = piece.at(from).under(origin);
    return origin.hasKey() ? placed.keyed(origin.key()) : placed;
  }
}
