package anabranch.conformance.reference;

import anabranch.backend.Event;
import anabranch.conformance.reference.part.NormPart;
import anabranch.conformance.reference.part.Parameters;
import anabranch.conformance.reference.pass.Memory;
import anabranch.model.Encoder;
import anabranch.model.ModelSpec;
import anabranch.weights.Weights;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Runs whole items, block by block and row by row, in double precision: what every backend's
 * numbers are compared with.
 *
 * <p>Every decision is free or forced. A run whose decisions are forced to those that a backend
 * took still says, for each of them, what it would have done itself and by what margin; so a
 * backend is judged decision by decision, and its numbers under its own decisions.
 *
 * <p>Immutable; any thread.
 */
public final class Oracle {
  private final ModelSpec spec;
  private final @Nullable Script encoder;
  private final NormPart memoryNorm;
  private final Script decoder;

  /**
   * One sequence and the decisions about it.
   *
   * @param memory the event that the encoder reads; null exactly for models without one
   * @param events the events of the sequence, one behind the other from position 0 on
   */
  public record Item(@Nullable Event memory, List<Event> events, Decisions decisions) {
    /** Copies the list and checks that events follow each other. */
    public Item {
      events = List.copyOf(events);
      int next = 0;
      for (Event event : events) {
        if (event.firstPosition() != next) {
          throw new IllegalArgumentException(event + " does not begin at position " + next);
        }
        next += event.rows();
      }
    }

    int rows() {
      return events.stream().mapToInt(Event::rows).sum();
    }
  }

  /**
   * Binds weights to a description; they may be closed afterwards.
   *
   * @throws anabranch.error.WeightsException if they do not fit
   */
  public Oracle(ModelSpec spec, Weights weights) {
    weights.requireFit(spec);
    this.spec = spec;
    Parameters parameters = new Parameters(weights);
    Encoder read = spec.encoder();
    encoder =
        read == null
            ? null
            : new Script(
                "encoder.", read.input(), read.embedding(), read.plan(), null, 0, parameters);
    memoryNorm = new NormPart(read == null ? null : read.norm(), "encoder.norm", parameters);
    int first = encoder == null ? 0 : encoder.steps;
    decoder =
        new Script("", spec.input(), spec.embedding(), spec.plan(), spec.head(), first, parameters);
  }

  /** Runs one event from position 0 to the end. */
  public Verdict run(Event event, Decisions decisions) {
    return run(null, event, decisions);
  }

  /** Runs one event from position 0 to the end, behind the event that the encoder reads. */
  public Verdict run(@Nullable Event memory, Event event, Decisions decisions) {
    return run(memory, List.of(event), decisions);
  }

  /** Runs the events of one sequence, one after the other. */
  public Verdict run(List<Event> events, Decisions decisions) {
    return run(null, events, decisions);
  }

  /** Runs the events of one sequence behind the event that the encoder reads. */
  public Verdict run(@Nullable Event memory, List<Event> events, Decisions decisions) {
    return run(List.of(new Item(memory, events, decisions))).get(0);
  }

  /**
   * Runs several items in lock-step: the encoders first, then the first events of all, then the
   * second ones. Items see each other only in capacities over all rows of a call.
   */
  public List<Verdict> run(List<Item> items) {
    List<Verdict> verdicts = new ArrayList<>();
    for (Item item : items) {
      if ((item.memory == null) != (encoder == null)) {
        throw new IllegalArgumentException(
            "model \"" + spec.name() + "\" and the item disagree about an encoder");
      }
      boolean ofItem = spec.head().pool().ofItem();
      verdicts.add(new Verdict(item.rows(), ofItem ? item.events.size() : item.rows()));
    }
    List<Memory> memories = memories(items, verdicts);
    List<Traveller> travellers = new ArrayList<>();
    int most = 0;
    for (int n = 0; n < items.size(); n++) {
      Item item = items.get(n);
      int events = item.events.size();
      Verdict verdict = verdicts.get(n);
      Memory memory = memories.get(n);
      travellers.add(new Traveller(n, item.decisions, verdict, memory, item.rows(), events));
      most = Math.max(most, events);
    }
    for (int event = 0; event < most; event++) {
      List<Traveller> present = new ArrayList<>();
      for (Traveller traveller : travellers) {
        if (event < traveller.events) {
          traveller.begin(items.get(traveller.number).events.get(event), decoder);
          present.add(traveller);
        }
      }
      new Course(decoder, present).run();
    }
    return verdicts;
  }

  /** Returns what each sequence may read: the normed rows of its encoder where they left. */
  private List<Memory> memories(List<Item> items, List<Verdict> verdicts) {
    List<Traveller> readers = new ArrayList<>();
    for (int n = 0; n < items.size(); n++) {
      Item item = items.get(n);
      Event event = item.memory;
      int rows = event == null ? 0 : event.rows();
      Memory none = new Memory(List.of());
      Traveller reader = new Traveller(n, item.decisions, verdicts.get(n), none, rows, 1);
      if (event != null && encoder != null) {
        reader.begin(event, encoder);
      }
      readers.add(reader);
    }
    if (encoder != null) {
      new Course(encoder, readers).run();
    }
    List<Memory> memories = new ArrayList<>();
    for (Traveller reader : readers) {
      memories.add(
          new Memory(reader.fates.stream().map(fate -> memoryNorm.of(fate.row.x)).toList()));
    }
    return memories;
  }
}
