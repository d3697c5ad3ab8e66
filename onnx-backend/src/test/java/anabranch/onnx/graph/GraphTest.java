package anabranch.onnx.graph;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnx.proto.OnnxMl;
import anabranch.error.WeightsException;
import anabranch.model.plan.Criterion;
import anabranch.weights.DType;
import anabranch.weights.MemoryWeights;
import anabranch.weights.Tensor;
import com.google.protobuf.InvalidProtocolBufferException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class GraphTest {
  /**
   * CUDA has its own kernel for TopK; the greatest by a reduction takes a library that is optional.
   */
  @Test
  void scoresOfExitsReduceNothing() throws InvalidProtocolBufferException {
    for (Criterion.Score score : List.of(Criterion.Score.CONFIDENCE, Criterion.Score.MARGIN)) {
      for (int outputs : new int[] {1, 5}) {
        List<String> operators =
            parse(PointGraphs.score(score, outputs)).getGraph().getNodeList().stream()
                .map(OnnxMl.NodeProto::getOpType)
                .toList();
        assertTrue(operators.contains("TopK"), operators.toString());
        assertTrue(operators.stream().noneMatch(each -> each.startsWith("Reduce")), score + "");
      }
    }
  }

  @Test
  void anotherLibraryReadsWhatIsWritten() throws InvalidProtocolBufferException {
    Graph graph = new Graph("lines");
    String x = graph.input("x", -1, 3);
    String weight = graph.weight("w", 2, 3);
    Map<String, Object> attributes = Map.of("transB", 1, "alpha", -0.5f, "mode", "straße");
    graph.output("y", graph.node("Gemm", attributes, x, weight), -1, 2);
    String indices = graph.integers(-1, 300, Long.MIN_VALUE);
    assertEquals(24, graph.weightBytes());
    assertEquals(List.of("w"), graph.weights());

    Tensor tensor = MemoryWeights.tensor("w", List.of(2, 3), 1, 2, 3, 4, 5, -0f);
    OnnxMl.ModelProto model = parse(graph, tensor);
    assertEquals(23, model.getOpsetImport(0).getVersion());
    OnnxMl.GraphProto read = model.getGraph();
    assertEquals("lines", read.getName());
    OnnxMl.NodeProto node = read.getNode(0);
    assertEquals("Gemm", node.getOpType());
    assertEquals(List.of("x", "w"), node.getInputList());
    assertEquals(List.of("y"), node.getOutputList());
    assertEquals("alpha", node.getAttribute(0).getName());
    assertEquals(-0.5f, node.getAttribute(0).getF());
    assertEquals("straße", node.getAttribute(1).getS().toStringUtf8());
    assertEquals(1, node.getAttribute(2).getI());
    assertEquals(OnnxMl.AttributeProto.AttributeType.INT, node.getAttribute(2).getType());

    OnnxMl.TensorProto constant = read.getInitializer(0);
    assertEquals(List.of(2L, 3L), constant.getDimsList());
    float[] values = new float[6];
    little(constant).asFloatBuffer().get(values);
    assertArrayEquals(new float[] {1, 2, 3, 4, 5, -0f}, values);
    assertEquals(indices, read.getInitializer(1).getName());
    long[] integers = new long[3];
    little(read.getInitializer(1)).asLongBuffer().get(integers);
    assertArrayEquals(new long[] {-1, 300, Long.MIN_VALUE}, integers);

    OnnxMl.TypeProto.Tensor in = read.getInput(0).getType().getTensorType();
    assertEquals(OnnxMl.TensorProto.DataType.FLOAT.getNumber(), in.getElemType());
    assertTrue(in.getShape().getDim(0).hasDimParam());
    assertEquals(3, in.getShape().getDim(1).getDimValue());
    assertEquals("y", read.getOutput(0).getName());
  }

  @Test
  void halvesAreWidened() throws InvalidProtocolBufferException {
    Graph graph = new Graph("halves");
    graph.weight("w", 2);
    ByteBuffer halves = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN);
    halves.putShort((short) 0x3c00).putShort((short) 0xc000).flip();
    Tensor tensor = new Tensor("w", DType.F16, List.of(2), halves);
    OnnxMl.TensorProto constant = parse(graph, tensor).getGraph().getInitializer(0);
    float[] values = new float[2];
    little(constant).asFloatBuffer().get(values);
    assertArrayEquals(new float[] {1, -2}, values);
  }

  @Test
  void missingWeightsAreNamed() {
    Graph graph = new Graph("missing");
    graph.weight("there.is.none", 2);
    WeightsException thrown =
        assertThrows(
            WeightsException.class,
            () -> graph.model(MemoryWeights.of(List.of()), ByteBuffer::allocateDirect, null));
    assertTrue(String.valueOf(thrown.getMessage()).contains("there.is.none"));
  }

  private static OnnxMl.ModelProto parse(Graph graph, Tensor... tensors)
      throws InvalidProtocolBufferException {
    ByteBuffer model =
        graph.model(MemoryWeights.of(List.of(tensors)), ByteBuffer::allocateDirect, null);
    assertTrue(model.isDirect());
    return OnnxMl.ModelProto.parseFrom(model);
  }

  private static ByteBuffer little(OnnxMl.TensorProto tensor) {
    return tensor.getRawData().asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
  }
}
