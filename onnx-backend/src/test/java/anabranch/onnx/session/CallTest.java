package anabranch.onnx.session;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import ai.onnxruntime.OrtException;
import ai.onnxruntime.TensorInfo;
import anabranch.onnx.graph.Graph;
import anabranch.onnx.memory.BufferPool;
import anabranch.weights.MemoryWeights;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A session hands out one call again, whose tensors stand for what its last user named. */
class CallTest {
  private static final int LARGE = 1 << 16;

  private final FloatBuffer x = BufferPool.direct(8);
  private final FloatBuffer y = BufferPool.direct(8);
  private Session session;

  @BeforeEach
  void open() {
    session = doubled(-1);
  }

  private static Session doubled(long... shape) {
    Graph graph = new Graph("double");
    String in = graph.input("x", shape);
    graph.output("y", graph.node("Add", Map.of(), in, in), shape);
    return new Opener(MemoryWeights.of(List.of()), NativeRuntime.get(1), Session.CPU, 1)
        .open(graph);
  }

  @AfterEach
  void close() {
    session.close();
  }

  private void twice(FloatBuffer from, FloatBuffer to, int offset, int count) {
    try (Call call = session.call()) {
      call.in("x", from, offset, count).out("y", to, offset, count).run();
    }
  }

  /** By the name of an extent the runtime sees that a result may be written over another. */
  @Test
  void anOutputHasTheExtentsOfWhatItComesFrom() throws OrtException {
    TensorInfo y = (TensorInfo) session.await().session().getOutputInfo().get("y").getInfo();
    assertArrayEquals(new String[] {"x.0"}, y.getDimensionNames());
  }

  @Test
  void aCallLikeTheLastReadsWhatItsBufferHoldsNow() {
    x.put(0, 1);
    twice(x, y, 0, 1);
    x.put(0, 5);
    twice(x, y, 0, 1);
    assertEquals(10, y.get(0));
  }

  @Test
  void anotherOffsetShapeOrBufferIsNotMistakenForTheLast() {
    for (int i = 0; i < 8; i++) {
      x.put(i, i);
    }
    twice(x, y, 0, 2);
    twice(x, y, 2, 2);
    assertEquals(6, y.get(3));
    twice(x, y, 2, 6);
    assertEquals(14, y.get(7));
    FloatBuffer other = BufferPool.direct(8);
    other.put(0, 50);
    twice(other, y, 0, 1);
    assertEquals(100, y.get(0));
  }

  @Test
  void anotherOffsetOrNumberOfVectorsIsNotMistakenForTheLast() {
    FloatBuffer other = BufferPool.direct(8);
    for (int i = 0; i < 8; i++) {
      x.put(i, i);
      other.put(i, 50 + i);
    }
    try (Session vectors = doubled(-1, -1)) {
      int[][] calls = {{0, 2, 2, 3}, {2, 2, 2, 5}, {2, 3, 2, 7}, {0, 2, 4, 7}, {0, 2, 4, 7}};
      for (int[] call : calls) {
        for (FloatBuffer from : List.of(x, other, other)) {
          y.put(call[3], -1);
          twice(vectors, from, call[0], call[1], call[2]);
          assertEquals(2 * from.get(call[3]), y.get(call[3]));
        }
      }
    }
  }

  private void twice(Session vectors, FloatBuffer from, int offset, int rows, int width) {
    try (Call call = vectors.call()) {
      call.in("x", from, offset, rows, width).out("y", y, offset, rows, width).run();
    }
  }

  @Test
  void whatOnlyAnEarlierUserNamedIsForgotten() {
    twice(x, y, 0, 1);
    try (Call call = session.call()) {
      call.out("y", y, 0, 1);
      assertThrows(IllegalStateException.class, call::run);
    }
    twice(x, y, 0, 1);
  }

  @Test
  void aNameThatIsGivenTwiceCountsOnce() {
    twice(x, y, 0, 1);
    try (Call call = session.call()) {
      call.out("y", y, 1, 1).out("y", y, 0, 1);
      assertThrows(IllegalStateException.class, call::run);
    }
  }

  @Test
  void oneCallIsHandedOutAgainAndASecondBesideIt() {
    Call first = session.call();
    Call second = session.call();
    assertNotSame(first, second);
    first.close();
    second.close();
    try (Call again = session.call()) {
      assertSame(first, again);
    }
  }

  @Test
  void tensorsOfLargeBuffersAreLetGo() {
    FloatBuffer large = BufferPool.direct(LARGE);
    FloatBuffer result = BufferPool.direct(LARGE);
    twice(large, result, 0, 1);
    try (Call call = session.call()) {
      assertEquals(0, call.kept());
    }
    twice(x, y, 0, 1);
    try (Call call = session.call()) {
      assertEquals(2, call.kept());
    }
  }
}
