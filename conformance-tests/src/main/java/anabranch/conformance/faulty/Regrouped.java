package anabranch.conformance.faulty;

import anabranch.backend.Activations;
import anabranch.backend.Event;
import anabranch.backend.LoadedModel;
import anabranch.backend.Rows;
import anabranch.backend.SequenceState;
import anabranch.backend.Span;
import anabranch.backend.StageBatch;
import anabranch.backend.StageResult;
import anabranch.backend.Trace;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** Meddles with frozen rows before a stage sees them. */
final class Regrouped {
  private Regrouped() {}

  /** Runs frozen rows as live ones and hides that from the trace. */
  static StageResult thawed(LoadedModel model, int stage, StageBatch batch) {
    List<Span> spans = new ArrayList<>();
    List<Boolean> frozen = new ArrayList<>();
    for (Span span : batch.spans()) {
      Rows rows = span.rows();
      byte[] flags = new byte[rows.size()];
      for (int i = 0; i < flags.length; i++) {
        frozen.add(rows.frozen(i));
        flags[i] = rows.scored(i) ? Rows.SCORED : 0;
      }
      spans.add(new Span(span.state(), copy(rows, flags, 0)));
    }
    StageResult result =
        model.stages().get(stage).run(new StageBatch(batch.slot(), spans, batch.trace()));
    return new Told(result) {
      @Override
      public Trace trace() {
        List<Trace.Choices> hidden = new ArrayList<>();
        for (Trace.Choices choices : super.trace().choices()) {
          IntBuffer experts = IntBuffer.allocate(choices.experts().remaining());
          experts.put(choices.experts().duplicate()).flip();
          for (int row = 0; row < frozen.size(); row++) {
            for (int i = 0; i < choices.k(); i++) {
              if (frozen.get(row)) {
                experts.put(row * choices.k() + i, -1);
              }
            }
          }
          hidden.add(
              new Trace.Choices(
                  choices.path(),
                  choices.visit(),
                  choices.k(),
                  experts,
                  choices.gates(),
                  choices.ran()));
        }
        return new Trace(hidden);
      }
    };
  }

  /** Replaces where rows come from. */
  static Rows from(Rows rows, UnaryOperator<@Nullable Activations> change) {
    int size = rows.size();
    Event[] events = new Event[size];
    @Nullable Activations[] from = new Activations[size];
    int[] index = new int[size];
    int[] position = new int[size];
    for (int i = 0; i < size; i++) {
      events[i] = rows.event(i);
      from[i] = change.apply(rows.from(i));
      index[i] = rows.index(i);
      position[i] = rows.position(i);
    }
    return new Rows(events, from, index, position, flags(rows));
  }

  /** Replaces events. */
  static StageBatch replaced(StageBatch batch, UnaryOperator<Event> change) {
    List<Span> spans = new ArrayList<>();
    for (Span span : batch.spans()) {
      Rows rows = span.rows();
      int size = rows.size();
      Event[] events = new Event[size];
      @Nullable Activations[] from = new Activations[size];
      int[] index = new int[size];
      int[] position = new int[size];
      for (int i = 0; i < size; i++) {
        events[i] = change.apply(rows.event(i));
        from[i] = rows.from(i);
        index[i] = rows.index(i);
        position[i] = rows.position(i);
      }
      spans.add(new Span(span.state(), new Rows(events, from, index, position, flags(rows))));
    }
    return new StageBatch(batch.slot(), spans, batch.trace());
  }

  /** Runs live rows that are not scored as frozen ones. */
  static StageResult unasked(LoadedModel model, int stage, StageBatch batch) {
    List<Span> spans = new ArrayList<>();
    for (Span span : batch.spans()) {
      byte[] flags = flags(span.rows());
      for (int i = 0; i < flags.length; i++) {
        flags[i] = stage > 0 && flags[i] == 0 ? Rows.FROZEN : flags[i];
      }
      spans.add(new Span(span.state(), copy(span.rows(), flags, 0)));
    }
    return model.stages().get(stage).run(new StageBatch(batch.slot(), spans, batch.trace()));
  }

  /** Gives frozen rows a sequence of their own, so that nobody reads their keys. */
  static StageResult apart(LoadedModel model, int stage, StageBatch batch) {
    if (model.spec().head().pool().ofItem()) {
      return model.stages().get(stage).run(unwrapped(batch));
    }
    List<Span> spans = new ArrayList<>();
    int[] where = new int[batch.size()];
    int row = 0;
    int next = 0;
    List<SequenceState> lonely = new ArrayList<>();
    for (Span span : unwrapped(batch).spans()) {
      Rows rows = span.rows();
      for (boolean frozen : new boolean[] {false, true}) {
        int[] picked = new int[rows.size()];
        int count = 0;
        for (int i = 0; i < picked.length; i++) {
          if (rows.frozen(i) == frozen) {
            picked[count++] = i;
            where[row + i] = next++;
          }
        }
        SequenceState state = span.state();
        if (frozen && state != null) {
          state = model.newState(null);
          lonely.add(state);
        }
        if (count > 0) {
          spans.add(new Span(state, some(rows, Arrays.copyOf(picked, count))));
        }
      }
      row += rows.size();
    }
    StageResult result =
        model.stages().get(stage).run(new StageBatch(batch.slot(), spans, batch.trace()));
    lonely.forEach(SequenceState::close);
    return moved(result, where);
  }

  private static StageResult moved(StageResult result, int[] where) {
    return new Told(result) {
      @Override
      public Activations rows() {
        return new Moved(super.rows(), where);
      }

      @Override
      public FloatBuffer scores() {
        FloatBuffer scores = FloatBuffer.allocate(where.length);
        for (int from : where) {
          scores.put(super.scores().get(from));
        }
        return scores.flip();
      }

      @Override
      public void output(int[] units, ByteBuffer into) {
        super.output(Arrays.stream(units).map(unit -> where[unit]).toArray(), into);
      }

      @Override
      public Trace trace() {
        List<Trace.Choices> all = new ArrayList<>();
        for (Trace.Choices choices : super.trace().choices()) {
          int k = choices.k();
          IntBuffer experts = IntBuffer.allocate(where.length * k);
          FloatBuffer gates = FloatBuffer.allocate(where.length * k);
          for (int from : where) {
            for (int i = 0; i < k; i++) {
              experts.put(choices.experts().get(from * k + i));
              gates.put(choices.gates().get(from * k + i));
            }
          }
          all.add(
              new Trace.Choices(
                  choices.path(), choices.visit(), k, experts.flip(), gates.flip(), choices.ran()));
        }
        return new Trace(all);
      }
    };
  }

  /** Rows whose places are not those the caller knows. */
  private record Moved(Activations rows, int[] where) implements Activations {
    @Override
    public long bytes() {
      return rows.bytes();
    }

    @Override
    public void close() {
      rows.close();
    }
  }

  private static StageBatch unwrapped(StageBatch batch) {
    List<Span> spans = new ArrayList<>();
    for (Span span : batch.spans()) {
      int[] all = new int[span.rows().size()];
      Arrays.setAll(all, i -> i);
      spans.add(new Span(span.state(), some(span.rows(), all)));
    }
    return new StageBatch(batch.slot(), spans, batch.trace());
  }

  private static Rows some(Rows rows, int[] picked) {
    Event[] events = new Event[picked.length];
    @Nullable Activations[] from = new Activations[picked.length];
    int[] index = new int[picked.length];
    int[] position = new int[picked.length];
    byte[] flags = new byte[picked.length];
    for (int n = 0; n < picked.length; n++) {
      int i = picked[n];
      events[n] = rows.event(i);
      from[n] = rows.from(i);
      index[n] = rows.index(i);
      if (rows.from(i) instanceof Moved moved) {
        from[n] = moved.rows;
        index[n] = moved.where[rows.index(i)];
      }
      position[n] = rows.position(i);
      flags[n] = rows.frozen(i) ? Rows.FROZEN : rows.scored(i) ? Rows.SCORED : 0;
    }
    return new Rows(events, from, index, position, flags);
  }

  /** Returns the same rows with other flags, that many positions later. */
  static Rows copy(Rows rows, byte[] flags, int shift) {
    int size = rows.size();
    Event[] events = new Event[size];
    @Nullable Activations[] from = new Activations[size];
    int[] index = new int[size];
    int[] position = new int[size];
    for (int i = 0; i < size; i++) {
      events[i] = rows.event(i).at(rows.event(i).firstPosition() + shift);
      from[i] = rows.from(i);
      index[i] = rows.index(i);
      position[i] = rows.position(i) + shift;
    }
    return new Rows(events, from, index, position, flags);
  }

  /** Returns the flags of some rows. */
  static byte[] flags(Rows rows) {
    byte[] flags = new byte[rows.size()];
    for (int i = 0; i < flags.length; i++) {
      flags[i] = rows.frozen(i) ? Rows.FROZEN : rows.scored(i) ? Rows.SCORED : 0;
    }
    return flags;
  }
}
