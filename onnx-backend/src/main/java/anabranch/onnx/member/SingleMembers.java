package anabranch.onnx.member;

import anabranch.model.layer.Mixture;
import anabranch.model.layer.Operation;
import anabranch.onnx.call.StageRun;
import anabranch.onnx.dispatch.Dispatch;
import anabranch.onnx.dispatch.Sums;
import anabranch.onnx.graph.MemberGraphs;
import anabranch.onnx.memory.Scope;
import anabranch.onnx.session.Call;
import anabranch.onnx.session.Session;
import java.nio.FloatBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Each member on its own: its rows are gathered, it runs, and what it made is added to the sums, so
 * that only the rows of one member are on their way and stay in a near cache. Thread-safe.
 *
 * <p>Where a crew shares them, what they made is added up behind the last: a row's sum has the
 * order of the members, and the same bits, whoever ends first.
 */
public final class SingleMembers implements Members {
  /** The most numbers that all members may have on their way; beyond, they run one by one. */
  private static final long MOST_AT_ONCE = 1 << 25;

  /**
   * So many numbers between products are placed: fewer stay with whoever allocates them, and more
   * are not kept for the next call.
   */
  private static final long LEAST_PLACED = 1 << 16;

  private static final long MOST_PLACED = 1 << 24;

  private final Operation bank;
  private final boolean scaled;
  private final List<Session> experts;
  private final Sharing sharing;
  private final int between;

  /** Where a member's rows are, what it makes of them, and what stands between its products. */
  private record Room(FloatBuffer gathered, FloatBuffer results, @Nullable FloatBuffer between) {}

  /**
   * Takes sessions.
   *
   * @param bank a mixture or a modulation
   * @param scaled whether gates multiply what members read; else what they make of it
   * @param experts those of the experts, then those of constants; each maps x to y
   * @param sharing how they run on several threads
   */
  public SingleMembers(Operation bank, boolean scaled, List<Session> experts, Sharing sharing) {
    this.bank = bank;
    this.sharing = sharing;
    this.scaled = scaled;
    this.experts = List.copyOf(experts);
    between = experts.get(0).between();
  }

  @Override
  public void add(StageRun run, Dispatch dispatch, FloatBuffer read, Sums sums) {
    boolean fit = (long) dispatch.size() * run.width <= MOST_AT_ONCE;
    if (fit && sharing.pays(dispatch)) {
      shared(run, dispatch, read, sums);
    } else {
      add(run, dispatch, 0, read, sums);
    }
  }

  private void shared(StageRun run, Dispatch dispatch, FloatBuffer read, Sums sums) {
    int width = run.width;
    try (Scope scope = new Scope(run.call.pool)) {
      FloatBuffer results = scope.rows(dispatch.size(), width);
      sharing.run(
          dispatch,
          (member, first, count) -> {
            try (Scope own = new Scope(run.call.pool)) {
              Room room = new Room(own.rows(count, width), results, between(member, count, own));
              gather(dispatch, first, count, read, width, room.gathered);
              run(member, room, first, count, width);
            }
          });
      sums.add(dispatch, results, !scaled, sharing.crew());
    }
  }

  /** Adds what the members from one on make of their rows. */
  void add(StageRun run, Dispatch dispatch, int from, FloatBuffer read, Sums sums) {
    int width = run.width;
    int most = dispatch.most(from);
    boolean alone = most == 1 && dispatch.rows() == 1 && !scaled;
    try (Scope scope = new Scope(run.call.pool)) {
      FloatBuffer gathered = alone ? read : scope.rows(most, width);
      FloatBuffer results = scope.rows(most, width);
      Room room = new Room(gathered, results, between(from, most, scope));
      for (int e = from; e < bank.members(); e++) {
        int count = dispatch.count(e);
        if (count > 0) {
          if (!alone) {
            gather(dispatch, dispatch.first(e), count, read, width, gathered);
          }
          run(e, room, 0, count, width);
          add(dispatch, dispatch.first(e), count, results, sums);
        }
      }
    }
  }

  private @Nullable FloatBuffer between(int member, int rows, Scope scope) {
    boolean expert = member < MemberGraphs.experts(bank);
    return expert && places(rows) ? scope.rows(rows, between) : null;
  }

  private boolean places(int rows) {
    long numbers = (long) rows * between;
    return numbers >= LEAST_PLACED && numbers <= MOST_PLACED;
  }

  /** Writes what members read of some slots, one behind the other. */
  void gather(
      Dispatch dispatch, int first, int count, FloatBuffer read, int width, FloatBuffer into) {
    float[] vector = new float[scaled ? width : 0];
    for (int i = 0; i < count; i++) {
      int from = dispatch.row(first + i) * width;
      if (scaled) {
        read.get(from, vector);
        float gate = dispatch.gate(first + i);
        for (int c = 0; c < width; c++) {
          vector[c] *= gate;
        }
        into.put(i * width, vector);
      } else {
        into.put(i * width, read, from, width);
      }
    }
  }

  /** Adds what was made of some slots. */
  void add(Dispatch dispatch, int first, int count, FloatBuffer results, Sums sums) {
    sums.add(dispatch, first, count, results, !scaled);
  }

  /**
   * Runs a member on its rows: an expert, or one of the specials behind them.
   *
   * @param row where results begin
   */
  private void run(int e, Room room, int row, int count, int width) {
    int session = e;
    int at = row * width;
    if (bank instanceof Mixture mixture && mixture.specials() != null && e >= mixture.experts()) {
      Mixture.Specials specials = mixture.specials();
      int constant = e - mixture.experts() - specials.zeros() - specials.identities();
      if (constant < -specials.identities()) {
        for (int i = 0; i < count * width; i++) {
          room.results.put(at + i, 0);
        }
        return;
      } else if (constant < 0) {
        room.results.put(at, room.gathered, 0, count * width);
        return;
      }
      session = mixture.experts() + constant;
    }
    try (Call call = experts.get(session).call()) {
      call.in("x", room.gathered, 0, count, width).out("y", room.results, at, count, width);
      if (room.between != null && places(count)) {
        call.place(room.between, count);
      }
      call.run();
    }
  }
}
