package anabranch.onnx.member;

import anabranch.onnx.dispatch.Dispatch;
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
   * Returns what each slot reads.
   *
   * @param vectors by place
   * @param length of each of them
   * @param at where what is read begins in each
   */
  public FloatBuffer gather(
      Dispatch dispatch, FloatBuffer vectors, int length, int at, Scope scope) {
    FloatBuffer x = scope.rows(dispatch.size(), in);
    for (int slot = 0; slot < dispatch.size(); slot++) {
      x.put(slot * in, vectors, dispatch.row(slot) * length + at, in);
    }
    return x;
  }

  /** Returns what members make of what their slots read, by slot. */
  public FloatBuffer call(Dispatch dispatch, FloatBuffer x, Scope scope) {
    FloatBuffer y = scope.rows(dispatch.size(), out);
    sharing.run(
        dispatch,
        (member, first, count) -> {
          try (Call call = sessions.get(member).call()) {
            call.in(from, x, first * in, count, in).out(to, y, first * out, count, out).run();
          }
        });
    return y;
  }
}
