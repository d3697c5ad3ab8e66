package anabranch.conformance.reference;

import anabranch.backend.Event;
import anabranch.conformance.reference.pass.Memory;
import anabranch.conformance.reference.pass.Row;
import anabranch.conformance.reference.pass.Way;
import java.util.ArrayList;
import java.util.List;

/** One item on its way through one side of a model, event by event. Confined to one run. */
final class Traveller {
  final int number;
  final Decisions decisions;
  final Verdict verdict;
  final Memory memory;
  final int rows;
  final int events;

  /** The rows of the present event. */
  List<Fate> fates = List.of();

  /** The number of the present event. */
  int event = -1;

  /**
   * Creates an item that has not begun.
   *
   * @param rows of all events
   */
  Traveller(int number, Decisions decisions, Verdict verdict, Memory memory, int rows, int events) {
    this.number = number;
    this.decisions = decisions;
    this.verdict = verdict;
    this.memory = memory;
    this.rows = rows;
    this.events = events;
  }

  /** Begins with the next event. */
  void begin(Event next, Script script) {
    event++;
    fates = new ArrayList<>();
    for (int i = 0; i < next.rows(); i++) {
      Row row = new Row(memory, number, next, next.firstPosition() + i);
      row.embed(script.embedding);
      row.entered = row.x;
      fates.add(new Fate(row));
    }
  }

  /** Returns the rows that are there before a step, each told how it passes. */
  List<Fate> present(int step) {
    List<Fate> present = new ArrayList<>();
    for (Fate fate : fates) {
      fate.row.way = fate.at(step);
      if (fate.row.way != Way.NOTHING) {
        present.add(fate);
      }
    }
    return present;
  }

  /** Returns the rows that run before a step. */
  List<Fate> live(int step) {
    return present(step).stream().filter(fate -> fate.row.way == Way.RUN).toList();
  }
}
