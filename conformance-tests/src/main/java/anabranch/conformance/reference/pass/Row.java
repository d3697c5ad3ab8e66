package anabranch.conformance.reference.pass;

import anabranch.backend.Event;
import anabranch.conformance.reference.part.AttentionPart.Shown;
import anabranch.conformance.reference.part.EmbeddingPart;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A row in a call. Confined to one call at a time. */
public final class Row {
  /** What its sequence keeps. */
  public final Memory memory;

  /** The number of its sequence in the call. */
  public final int span;

  /** The event that brought it. */
  public final Event event;

  /** Its position in the sequence. */
  public final int position;

  /** How many rows it stands for (rule A30). */
  public int count = 1;

  /** Its hidden vector, {@code [width]}. */
  public double[] x = new double[0];

  /** How it passes the next block. */
  public Way way = Way.RUN;

  /** What it showed at the last attention; null for nothing. */
  public @Nullable Shown shown;

  /** The place of that attention; null before the first. */
  public @Nullable String shownAt;

  /** Its hidden vector when it entered the stage it is in, {@code [width]}. */
  public double[] entered = new double[0];

  /** The part of the attention of its event that it received last; 0 where it showed nothing. */
  public double received;

  /** What it gave to others in the last attention; null where it did not ask. */
  public @Nullable Reading reading;

  /** What routers remembered of it in the block it is in or before, by name. */
  public final Map<String, double[]> carried = new HashMap<>();

  /** Creates a row without a vector. */
  public Row(Memory memory, int span, Event event, int position) {
    this.memory = memory;
    this.span = span;
    this.event = event;
    this.position = position;
  }

  /** Gives the row the vector of its event. */
  public void embed(EmbeddingPart embedding) {
    if (embedding.readsEarlier() && event.hasTokens()) {
      memory.keepToken(position, event.token(position));
      memory.unread(Memory.TOKENS, 0, event.firstPosition() - embedding.readsBack());
    }
    x = embedding.of(event, position, this::earlier);
  }

  private int earlier(int at) {
    return at >= event.firstPosition() ? event.token(at) : memory.token(at);
  }
}
