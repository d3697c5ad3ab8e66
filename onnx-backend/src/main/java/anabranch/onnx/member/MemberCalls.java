package anabranch.onnx.member;

import anabranch.onnx.dispatch.Dispatch;
import anabranch.onnx.memory.BufferPool;
import anabranch.onnx.memory.Scope;
import anabranch.onnx.session.Call;
import anabranch.onnx.session.Session;
import java.nio.FloatBuffer;
import java.util.List;

/**
 * One graph for each member, called on the rows that go to it. Thread-safe.
 *
 * @param sessions by member
 * @param from the name of what they read
 * @param in its length
 * @param to the name of what they make
 * @param out its length
 * @param sharing how they run on several threads
 */
public record MemberCalls(
    List<Session> sessions, String from, int in, String to, int out, Sharing sharing) {
  /** Copies the list. */
  public MemberCalls {
    sessions = List.copyOf(sessions);
  }

  /** Returns how many there are. */
  public int count() {
    return sessions.size();
  }

  /**
   * Returns what members make of the vectors of their rows, by slot. Those of one member's rows, or
   * a piece of them, are on their way at a time: a row may go to many.
   *
   * @param vectors by place
   * @param length of each of them
   * @param at where what is read begins in each
   */
  public FloatBuffer call(
      Dispatch dispatch, FloatBuffer vectors, int length, int at, BufferPool pool, Scope scope) {
    FloatBuffer y = scope.rows(dispatch.size(), out);
    sharing.run(
        dispatch,
        (member, first, count) -> {
          try (Scope own = new Scope(pool)) {
            FloatBuffer x = own.rows(count, in);
            for (int i = 0; i < count; i++) {
              x.put(i * in, vectors, dispatch.row(first + i) * length + at, in);
            }
            run(member, x, 0, y, first, count);
          }
        });
    return y;
  }

  /** Returns what members make of what their slots read, by slot. */
  public FloatBuffer call(Dispatch dispatch, FloatBuffer x, Scope scope) {
    FloatBuffer y = scope.rows(dispatch.size(), out);
    sharing.run(dispatch, (member, first, count) -> run(member, x, first, y, first, count));
    return y;
  }

  private void run(int member, FloatBuffer x, int from, FloatBuffer y, int to, int count) {
    try (Call call = sessions.get(member).call()) {
      call.in(this.from, x, from * in, count, in).out(this.to, y, to * out, count, out).run();
    }
  }
}
