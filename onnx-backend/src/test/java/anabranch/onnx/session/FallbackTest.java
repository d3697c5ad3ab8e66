package anabranch.onnx.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import anabranch.onnx.graph.Graph;
import anabranch.onnx.memory.BufferPool;
import anabranch.weights.MemoryWeights;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Sessions without any device stand for graphs none of whose operators a device has. */
class FallbackTest {
  private final NativeRuntime runtime = NativeRuntime.get(1);

  @Test
  void aStrictDeviceRefusesAGraphThatTheCpuWouldRun() {
    String refused =
        assertThrows(IllegalStateException.class, () -> open("odd", new Target(0, true)))
            .getMessage();
    assertEquals(
        "graph \"odd\" has an operator that only the CPU runs, and the device is strict", refused);
  }

  @Test
  void aDeviceThatIsNotStrictLetsTheCpuRunItAndSaysSo() throws OrtException {
    FloatBuffer numbers = BufferPool.direct(1).put(0, -1);
    try (Session session = open("odd", new Target(0, false));
        Call call = session.call()) {
      assertTrue(session.await().mixed());
      call.in("x", numbers, 0, 1).out("y", numbers, 0, 1).run();
      assertEquals(0, numbers.get(0));
      Opener opener = new Opener(MemoryWeights.of(List.of()), runtime, Session.CPU, 1);
      opener.open(graph("even"));
      assertEquals(List.of(), opener.notes());
      for (int i = 0; i < 9; i++) {
        opener.opened().add(session);
      }
      assertEquals(
          List.of(
              "in 9 of 10 graphs an operator without a CUDA kernel runs on the CPU: "
                  + "odd, ".repeat(8)
                  + "..."),
          opener.notes());
      opener.opened().get(0).close();
    }
  }

  private Session open(String name, Target target) throws OrtException {
    ByteBuffer model =
        graph(name).model(MemoryWeights.of(List.of()), ByteBuffer::allocateDirect, null);
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.disablePerSessionThreads();
      LoadedGraph loaded =
          LoadedGraph.withoutFallback(name, runtime.environment(), model, options, target);
      return new Session(runtime.environment(), loaded);
    }
  }

  private static Graph graph(String name) {
    Graph graph = new Graph(name);
    graph.output("y", graph.node("Relu", Map.of(), graph.input("x", 1)), 1);
    return graph;
  }
}
